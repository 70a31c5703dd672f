"""Where a shard iterator starts: each type becomes a position that is at most the shard's last number (rule C3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chassis.errors import FieldViolation, InvalidArgument, Violations
from stream_service.core import errors, sequence
from stream_service.core.shard import Shard, shard_id
from stream_service.core.stream import Stream


class IteratorType(StrEnum):
    """The five kinds of start."""

    AT_SEQUENCE_NUMBER = "AT_SEQUENCE_NUMBER"
    AFTER_SEQUENCE_NUMBER = "AFTER_SEQUENCE_NUMBER"
    AT_TIMESTAMP = "AT_TIMESTAMP"
    TRIM_HORIZON = "TRIM_HORIZON"
    LATEST = "LATEST"


_BY_NUMBER = (IteratorType.AT_SEQUENCE_NUMBER, IteratorType.AFTER_SEQUENCE_NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What GetShardIterator asks for. An empty number and no time mean that none was given."""

    stream_name: str
    shard_id: str
    type: IteratorType | None
    sequence_number: str = ""
    unix_millis: int | None = None


def check(problems: Violations, start: Start, *, now_millis: int, type_field: str = "type") -> None:
    """The type, and what goes with it."""
    if start.type is None:
        problems.add(type_field, "must be one of " + ", ".join(IteratorType))
        return
    if start.type in _BY_NUMBER:
        if sequence.parse(start.sequence_number) is None:
            problems.add("starting_sequence_number", f"is required with {start.type}: {sequence.DIGITS} digits")
    elif start.sequence_number:
        problems.add("starting_sequence_number", f"must be unset with {start.type}")
    if start.type is IteratorType.AT_TIMESTAMP:
        _check_time(problems, start.unix_millis, now_millis)
    elif start.unix_millis is not None:
        problems.add("time", f"must be unset with {start.type}")


def _check_time(problems: Violations, unix_millis: int | None, now_millis: int) -> None:
    if unix_millis is None:
        problems.add("time", "is required with AT_TIMESTAMP")
    elif unix_millis > now_millis:
        problems.add("time", f"{unix_millis} ms lies after the service's clock, {now_millis} ms")


def find_shard(stream: Stream, shards: Sequence[Shard], index: int) -> Shard:
    """The shard with this index. Raises ShardNotFound."""
    for shard in shards:
        if shard.index == index:
            return shard
    raise errors.ShardNotFound(stream.name, shard_id(index))


def resolve(start: Start, shard: Shard) -> int:
    """The position. Raises InvalidArgument for a number of another shard or after the newest one."""
    match start.type:
        case IteratorType.TRIM_HORIZON | None:
            return shard.horizon
        case IteratorType.LATEST:
            return shard.last
        case IteratorType.AT_TIMESTAMP:
            wanted = sequence.first_of(max(0, min(start.unix_millis or 0, sequence.MILLIS_MAX))) - 1
            return max(shard.horizon, min(wanted, shard.last))
        case _:
            return max(shard.horizon, _by_number(start, shard))


def _by_number(start: Start, shard: Shard) -> int:
    parsed = sequence.parse(start.sequence_number)
    field = "starting_sequence_number"
    if parsed is None or parsed[1] != shard.index:
        raise InvalidArgument(FieldViolation(field, f"{start.sequence_number} is not a number of {shard.shard_id}"))
    number = parsed[0]
    if number > shard.last:
        newest = shard.text(shard.last)
        raise InvalidArgument(FieldViolation(field, f"{start.sequence_number} lies after the newest number, {newest}"))
    return number if start.type is IteratorType.AFTER_SEQUENCE_NUMBER else number - 1
