"""Splits, merges, and going to another number of shards: what closes and what opens, as a value.

Whatever is asked for, the open shards cover the hash keys before and after, each key once. Records stay where they are;
a child begins after everything that its parents hold (rule L3).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from chassis.errors import FieldViolation, InvalidArgument
from stream_service.core import errors, sequence
from stream_service.core.shard import HASH_KEYS, Shard, shard_id

OPEN_SHARD_COUNT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Split:
    """Split a shard: the upper child begins at the hash key."""

    index: int
    new_starting_hash_key: int


@dataclass(frozen=True, slots=True)
class Merge:
    """Merge a shard with the one that begins where it ends."""

    index: int
    adjacent_index: int


@dataclass(frozen=True, slots=True)
class Scale:
    """Go to so many open shards of equal width."""

    target: int


Change: TypeAlias = Split | Merge | Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Shards after a change. What is neither closed nor created stays as it is."""

    closed: Sequence[Shard]
    """Those that were open, as they are now."""
    created: Sequence[Shard]
    """New ones by index, with a key of 0. Some may be closed already: steps on the way to equal ranges."""

    @property
    def opened(self) -> list[Shard]:
        """New shards that take records, by hash key."""
        return sorted((each for each in self.created if each.is_open), key=lambda each: each.starting_hash_key)


class _Draft:
    """The open shards while they are changed, and the next index to give."""

    def __init__(self, stream_name: str, shards: Sequence[Shard]) -> None:
        self._stream_name = stream_name
        self._stored = {each.index: each for each in shards}
        self._drafted: dict[int, Shard] = {}
        self._closed: set[int] = set()
        self._next = max(self._stored, default=-1) + 1

    def open_shard(self, field: str, index: int) -> Shard:
        """An open shard. Raises ShardNotFound, InvalidArgument."""
        found = self._stored.get(index)
        if found is None:
            raise errors.ShardNotFound(self._stream_name, shard_id(index))
        if not found.is_open:
            raise InvalidArgument(FieldViolation(field, f"{found.shard_id} is closed: it was split or merged already"))
        return found

    def open_shards(self) -> list[Shard]:
        """Those that were open at first, by hash key."""
        return sorted((each for each in self._stored.values() if each.is_open), key=lambda each: each.starting_hash_key)

    def split(self, parent: Shard, at: int) -> tuple[Shard, Shard]:
        """The lower and the upper child."""
        self._closed.add(parent.index)
        low = self._child(parent.starting_hash_key, at - 1, (parent.index,))
        return low, self._child(at, parent.ending_hash_key, (parent.index,))

    def merge(self, low: Shard, high: Shard) -> Shard:
        """The child of two neighbours."""
        self._closed |= {low.index, high.index}
        return self._child(low.starting_hash_key, high.ending_hash_key, (low.index, high.index))

    def outcome(self, *, now_millis: int, highest_number: int) -> Outcome:
        """What was drafted, as rows. `highest_number` is the highest that the database ever gave."""
        at = self._moment(now_millis)
        floor = max(highest_number, sequence.first_of(at) - 1)
        created = [
            replace(each, floor=floor, last=floor, horizon=floor, created_millis=at)
            for _, each in sorted(self._drafted.items())
        ]
        closed = [self._stored[index] for index in sorted(self._closed & self._stored.keys())]
        return Outcome(
            closed=[_closed(each, at) for each in closed],
            created=[_closed(each, at) if each.index in self._closed else each for each in created],
        )

    def _moment(self, now_millis: int) -> int:
        """The time of the change: never before an earlier change, and after every record of the shards that close.

        So at every time since the stream was created the shards that were open then cover the hash keys.
        """
        created = [each.created_millis for each in self._stored.values()]
        records = [sequence.millis_of(self._stored[index].last) + 1 for index in self._closed & self._stored.keys()]
        return max(now_millis, *created, *records)

    def _child(self, low: int, high: int, parents: tuple[int, ...]) -> Shard:
        child = Shard(
            key=0,
            index=self._next,
            starting_hash_key=low,
            ending_hash_key=high,
            parents=parents,
            floor=0,
            last=0,
            next_index=0,
            horizon=0,
            horizon_index=0,
        )
        self._next += 1
        self._drafted[child.index] = child
        return child


def _closed(shard: Shard, at: int) -> Shard:
    return replace(shard, is_open=False, closed_millis=at)


def reshard(
    stream_name: str, change: Change, shards: Sequence[Shard], *, now_millis: int, highest_number: int
) -> Outcome:
    """What becomes of a stream's shards. Raises ShardNotFound, InvalidArgument, LimitExceeded."""
    draft = _Draft(stream_name, shards)
    match change:
        case Split():
            _split(draft, change)
        case Merge():
            _merge(draft, change)
        case Scale():
            _scale(draft, change.target)
    return draft.outcome(now_millis=now_millis, highest_number=highest_number)


def _split(draft: _Draft, change: Split) -> None:
    parent = draft.open_shard("shard_id", change.index)
    if not parent.starting_hash_key + 1 < change.new_starting_hash_key < parent.ending_hash_key:
        raise InvalidArgument(
            FieldViolation(
                "new_starting_hash_key",
                f"{change.new_starting_hash_key} must be more than {parent.starting_hash_key + 1} "
                f"and less than {parent.ending_hash_key}, the highest hash key of {parent.shard_id}",
            )
        )
    if len(draft.open_shards()) >= OPEN_SHARD_COUNT_MAX:
        raise errors.LimitExceeded("open shards of a stream", OPEN_SHARD_COUNT_MAX)
    draft.split(parent, change.new_starting_hash_key)


def _merge(draft: _Draft, change: Merge) -> None:
    low = draft.open_shard("shard_id", change.index)
    high = draft.open_shard("adjacent_shard_id", change.adjacent_index)
    if low.ending_hash_key + 1 != high.starting_hash_key:
        raise InvalidArgument(
            FieldViolation(
                "adjacent_shard_id",
                f"{high.shard_id} begins at hash key {high.starting_hash_key}; "
                f"it must begin at {low.ending_hash_key + 1}, after the end of {low.shard_id}",
            )
        )
    draft.merge(low, high)


def _scale(draft: _Draft, target: int) -> None:
    """Walk the open shards from the lowest hash key on; split where a new range begins, merge what lies within one."""
    left = draft.open_shards()
    _check_target(len(left), target)
    if target == len(left):
        return
    ends = _ends(target, [each.starting_hash_key for each in left])
    piece = left.pop(0)
    for end in ends:
        while piece.ending_hash_key < end:
            following = left.pop(0)
            if following.ending_hash_key > end:
                following, rest = draft.split(following, end + 1)
                left.insert(0, rest)
            piece = draft.merge(piece, following)
        if piece.ending_hash_key > end:
            _, piece = draft.split(piece, end + 1)
        elif left:
            piece = left.pop(0)


def _ends(target: int, starts: Sequence[int]) -> list[int]:
    """Where ranges of equal width end. A boundary that is there already, but for the rounding of a creation, is kept.

    So going to twice or half as many shards splits or merges each of them once. `starts` are in order.
    """
    ends = []
    for place in range(1, target):
        exact = place * HASH_KEYS // target
        near = bisect_left(starts, exact - target)
        is_near = near < len(starts) and starts[near] <= exact + target
        ends.append((starts[near] if is_near else exact) - 1)
    return [*ends, HASH_KEYS - 1]


def _check_target(count: int, target: int) -> None:
    low, high = (count + 1) // 2, min(2 * count, OPEN_SHARD_COUNT_MAX)
    if not low <= target <= high:
        description = f"{target} must be between {low} and {high}: at least half, at most twice the {count} open shards"
        raise InvalidArgument(FieldViolation("target_shard_count", description))
