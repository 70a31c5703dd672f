"""The newest number of each shard that was looked at, as committed; and who waits for it to grow (rule D2).

Lives on the event loop. Whoever waits registers first and then compares, so that no change falls between the two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from stream_service.core import errors, reading, works
from stream_service.core.ports import Records, StreamSight
from stream_service.core.shard import Shard
from stream_service.core.stream import Stream
from stream_service.waiting import Waiters


@dataclass(slots=True)
class Head:
    """A shard as the loop knows it."""

    stream_id: str
    shard: Shard
    last: int
    horizon: int

    def row(self) -> Shard:
        """The shard's row as committed last. It is asked for more often than it changes."""
        if self.shard.last != self.last or self.shard.horizon != self.horizon:
            self.shard = replace(self.shard, last=self.last, horizon=self.horizon)
        return self.shard


@dataclass(frozen=True, slots=True)
class Followed:
    """What is known at a moment: the ids of streams by name, the names that somebody waits for, and changes so far."""

    stream_ids: Mapping[str, str]
    awaited: Collection[str]
    changes: int

    @property
    def names(self) -> set[str]:
        """All streams of which news are wanted."""
        return {*self.stream_ids, *self.awaited}


class Heads:
    """Follows the writer's commits, and those of other services (following.py) where the database is shared."""

    def __init__(self, records: Records, *, is_shared: bool = False) -> None:
        self._records = records
        self.is_shared = is_shared
        self._streams: dict[str, tuple[Stream, dict[int, Head]]] = {}
        self._by_key: dict[int, Head] = {}
        self._loading = 0
        self._changes = 0
        self._grown: dict[int, int] = {}
        self.waiters = Waiters()

    async def find(self, place: reading.Place) -> Head:
        """The head of a shard. Raises StreamNotFound, ShardNotFound."""
        known = self._streams.get(place.stream_name)
        if known is None or (self.is_shared and not _has(known, place)):
            known = await self._load(place.stream_name)
        stream, shards = known
        if place.stream_id and place.stream_id != stream.stream_id:
            raise errors.StreamNotFound(place.stream_name)
        head = shards.get(place.shard_index)
        if head is None:
            raise errors.ShardNotFound(place.stream_name, f"shardId-{place.shard_index:012d}")
        return head

    def peek(self, place: reading.Place) -> Head | None:
        """The head of a shard that `find` found before; None when the stream is gone since."""
        known = self._streams.get(place.stream_name)
        if known is None or (place.stream_id and place.stream_id != known[0].stream_id):
            return None
        return known[1].get(place.shard_index)

    def row(self, place: reading.Place) -> tuple[Stream, Shard] | None:
        """The stream and its shard's row as committed last; None when it was not found before, or is gone since."""
        head = self.peek(place)
        if head is None:
            return None
        return self._streams[place.stream_name][0], head.row()

    def stream(self, name: str) -> Stream | None:
        """A stream of which a shard was found before; None when there was none, or it is gone since."""
        known = self._streams.get(name)
        return known[0] if known else None

    def followed(self) -> Followed:
        """What another service may change."""
        ids = {name: known[0].stream_id for name, known in self._streams.items()}
        return Followed(ids, self.waiters.stream_names(), self._changes)

    async def compare(self, followed: Followed, seen: Mapping[str, StreamSight]) -> None:
        """Take over what is committed now of what was followed before it was looked at, then wake.

        Does nothing when this service changed streams meanwhile: the next look will tell. Raises what Records.shards
        does, but for StreamNotFound.
        """
        if followed.changes != self._changes:
            return
        changed = [name for name, stream_id in followed.stream_ids.items() if self._is_other(name, stream_id, seen)]
        for name in changed:
            keys = self._keys(name)
            try:
                await self._load(name)
            except errors.StreamNotFound:
                self._streams.pop(name, None)
                self._drop(self._keys(name) | keys)
            self.waiters.wake(("shard", key) for key in keys)
        self.waiters.wake(("stream", name) for name in followed.awaited if name in seen)

    def _is_other(self, name: str, stream_id: str, seen: Mapping[str, StreamSight]) -> bool:
        """Take over how far a stream's shards are; whether more than that is different."""
        known, sight = self._streams.get(name), seen.get(name)
        if known is None or known[0].stream_id != stream_id:
            return False
        if sight is None or sight.stream_id != stream_id:
            return True
        is_other = sight.etag != known[0].etag or sight.shards.keys() != self._keys(name)
        for head in known[1].values():
            shard = sight.shards.get(head.shard.key)
            if shard is None:
                continue
            is_other = is_other or (head.shard.is_open and not shard.is_open)
            if shard.last > head.last or shard.horizon > head.horizon:
                head.last, head.horizon = max(shard.last, head.last), max(shard.horizon, head.horizon)
                self.waiters.wake([("shard", head.shard.key)])
        return is_other

    def on_committed(self, group: Sequence[object], results: Sequence[object]) -> None:
        """Take over what a commit changed, then wake. Called on the loop before the writer's callers go on."""
        told: set[int] = set()
        for work, result in zip(group, results, strict=True):
            match result:
                case works.PutDone() if id(result.commit) not in told:
                    told.add(id(result.commit))
                    self._grow(result.commit.heads)
                case works.Deleted():
                    self._forget(result)
                case works.Updated():
                    self._update(result.stream)
                case works.Resharded():
                    self._reshard(result)
                case works.Trimmed():
                    self._trim(result)
                case Stream() if isinstance(work, works.Create):
                    self.waiters.wake([("stream", result.name)])

    async def _load(self, name: str) -> tuple[Stream, dict[int, Head]]:
        """Look a stream up. What was committed while it was read wins over what was read."""
        self._loading += 1
        try:
            while True:
                before = self._changes
                stream, shards = await self._records.shards(name)
                if before == self._changes:
                    break
            heads = {each.index: Head(stream.stream_id, each, each.last, each.horizon) for each in shards}
            for head in heads.values():
                head.last = max(head.last, self._grown.get(head.shard.key, 0))
        finally:
            self._loading -= 1
            if not self._loading:
                self._grown.clear()
        gone = self._keys(name) - {each.key for each in shards}
        changed = [head.shard.key for head in heads.values() if self._is_news(head)]
        self._streams[name] = (stream, heads)
        self._by_key.update({each.key: heads[each.index] for each in shards})
        self._drop(gone)
        self.waiters.wake(("shard", key) for key in changed)
        return self._streams[name]

    def _is_news(self, head: Head) -> bool:
        """Whether a shard that was known is further by now. What was known and is newer than `head` is kept."""
        known = self._by_key.get(head.shard.key)
        if known is None:
            return False
        head.last, head.horizon = max(head.last, known.last), max(head.horizon, known.horizon)
        if not known.shard.is_open:
            head.shard = known.shard
        return (head.last, head.horizon, head.shard.is_open) != (known.last, known.horizon, known.shard.is_open)

    def _keys(self, name: str) -> set[int]:
        """The keys of a stream's shards."""
        known = self._streams.get(name)
        return {head.shard.key for head in known[1].values()} if known is not None else set()

    def _drop(self, keys: Collection[int]) -> None:
        """Shards are gone."""
        for key in keys:
            self._by_key.pop(key, None)
        self.waiters.wake(("shard", key) for key in keys)

    def _grow(self, heads: Mapping[int, int]) -> None:
        if self._loading:
            self._grown.update(heads)
        for key, last in heads.items():
            head = self._by_key.get(key)
            if head is not None:
                head.last = max(head.last, last)
        self.waiters.wake(("shard", key) for key in heads)

    def _update(self, stream: Stream) -> None:
        """Take over new settings; shards are as they were."""
        self._changes += 1
        known = self._streams.get(stream.name)
        if known is not None:
            self._streams[stream.name] = (stream, known[1])

    def _reshard(self, resharded: works.Resharded) -> None:
        """Close parents and open children, then wake those who wait for a parent to grow, which it never will."""
        self._update(resharded.stream)
        known = self._streams.get(resharded.stream.name)
        if known is None:
            return
        for shard in (*resharded.outcome.closed, *resharded.outcome.created):
            head = known[1].get(shard.index)
            if head is None:
                head = known[1][shard.index] = Head(resharded.stream.stream_id, shard, shard.last, shard.horizon)
                self._by_key[shard.key] = head
            head.shard, head.last = shard, max(head.last, shard.last)
        self.waiters.wake(("shard", shard.key) for shard in resharded.outcome.closed)

    def _expire(self, name: str, shard_keys: Sequence[int]) -> None:
        """Forget closed shards that are past retention."""
        self._changes += 1
        known = self._streams.get(name)
        for key in shard_keys:
            head = self._by_key.pop(key, None)
            if head is not None and known is not None:
                known[1].pop(head.shard.index, None)
        self.waiters.wake(("shard", key) for key in shard_keys)

    def _trim(self, trimmed: works.Trimmed) -> None:
        for key, horizon in trimmed.horizons.items():
            head = self._by_key.get(key)
            if head is not None:
                head.horizon = max(head.horizon, horizon)
        self.waiters.wake(("shard", key) for key in trimmed.horizons)
        for name, keys in trimmed.expired.items():
            self._expire(name, keys)

    def _forget(self, deleted: works.Deleted) -> None:
        self._changes += 1
        self._streams.pop(deleted.stream.name, None)
        for key in deleted.shard_keys:
            self._by_key.pop(key, None)
        self.waiters.wake(("shard", key) for key in deleted.shard_keys)


def _has(known: tuple[Stream, dict[int, Head]], place: reading.Place) -> bool:
    return place.shard_index in known[1] and place.stream_id in ("", known[0].stream_id)
