"""From messages about reading to core values. Everything that is wrong with a request is told at once, by field."""

from __future__ import annotations

from dataclasses import dataclass

from millrace.stream.v1 import stream_service_pb2 as pb

from chassis.errors import Violations
from stream_service.core import limits, reading, sequence, shard, starting
from stream_service.rpc.times import NANOS, is_normal, millis_of
from stream_service.watching import ENTRIES_MAX, INLINE_BYTES_MAX, Entry

MAX_WAIT_SECONDS_MAX = 20
_TYPES = {
    pb.SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER: starting.IteratorType.AT_SEQUENCE_NUMBER,
    pb.SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER: starting.IteratorType.AFTER_SEQUENCE_NUMBER,
    pb.SHARD_ITERATOR_TYPE_AT_TIMESTAMP: starting.IteratorType.AT_TIMESTAMP,
    pb.SHARD_ITERATOR_TYPE_TRIM_HORIZON: starting.IteratorType.TRIM_HORIZON,
    pb.SHARD_ITERATOR_TYPE_LATEST: starting.IteratorType.LATEST,
}


def start(request: pb.GetShardIteratorRequest) -> starting.Start:
    """Where an iterator is to start; checked by the use case, but for the time's form."""
    millis = None
    if request.HasField("time"):
        millis = millis_of("time", request.time)
    return starting.Start(
        stream_name=request.stream_name,
        shard_id=request.shard_id,
        type=_TYPES.get(request.type),
        sequence_number=request.starting_sequence_number,
        unix_millis=millis,
    )


def subscription(request: pb.SubscribeToShardRequest) -> starting.Start:
    """Where a subscription is to start; checked by the use case, but for the time's form."""
    problems = Violations()
    limits.check_name(problems, "consumer_name", request.consumer_name)
    problems.raise_if_any()
    millis = millis_of("time", request.time) if request.HasField("time") else None
    return starting.Start(
        stream_name=request.stream_name,
        shard_id=request.shard_id,
        type=_TYPES.get(request.starting_position),
        sequence_number=request.starting_sequence_number,
        unix_millis=millis,
    )


@dataclass(frozen=True, slots=True)
class Read:
    """What GetRecords asks for; without a place, an iterator has it."""

    place: reading.Place | None
    max_wait_seconds: float


def read(request: pb.GetRecordsRequest) -> Read:
    """Check everything but the end of reading, which needs the shard."""
    problems = Violations()
    limits.check_range(problems, "limit", request.limit, (0, reading.RECORDS_MAX))
    limits.check_range(problems, "max_bytes", request.max_bytes, (0, reading.BYTES_MAX))
    seconds = request.max_wait.seconds + request.max_wait.nanos / NANOS
    if not is_normal(request.max_wait) or not 0 <= seconds <= MAX_WAIT_SECONDS_MAX:
        problems.add("max_wait", f"{seconds} s must be between 0 s and {MAX_WAIT_SECONDS_MAX} s")
    has_place = request.HasField("position")
    if has_place == bool(request.shard_iterator):
        problems.add("shard_iterator", "exactly one of shard_iterator and position is required")
    place = _place(problems, "position.", request.position) if has_place else None
    problems.raise_if_any()
    return Read(place, seconds)


def bounds(request: pb.GetRecordsRequest, shard_index: int) -> reading.Bounds:
    """How much to read at most."""
    until = reading.NUMBER_MAX
    if request.until_sequence_number:
        problems = Violations()
        until = _number(problems, "until_sequence_number", request.until_sequence_number, shard_index)
        problems.raise_if_any()
    return reading.Bounds(
        limit=request.limit or reading.RECORDS_MAX, bytes_max=request.max_bytes or reading.BYTES_MAX, until=until
    )


def entries(request: pb.WatchAppendsRequest) -> list[Entry]:
    """The entries that a watch is to arm."""
    problems = Violations()
    if len(request.entries) > ENTRIES_MAX:
        problems.add("entries", f"has {len(request.entries)} entries; at most {ENTRIES_MAX} are allowed")
    made = []
    for number, each in enumerate(request.entries):
        path = f"entries[{number}]."
        if each.id <= 0:
            problems.add(f"{path}id", f"{each.id} must be positive")
        limits.check_range(problems, f"{path}inline_bytes_max", each.inline_bytes_max, (0, INLINE_BYTES_MAX))
        waits = not each.position.shard_id and not each.position.stream_id
        place = _place(problems, f"{path}position.", each.position, needs_shard=not waits)
        made.append(Entry(each.id, place, waits, each.inline_bytes_max))
    problems.raise_if_any()
    return made


def _place(problems: Violations, path: str, position: pb.ShardPosition, *, needs_shard: bool = True) -> reading.Place:
    limits.check_name(problems, f"{path}stream_name", position.stream_name)
    limits.check_uuid(problems, f"{path}stream_id", position.stream_id)
    index = shard.parse_shard_id(position.shard_id) if needs_shard else 0
    if index is None:
        problems.add(f"{path}shard_id", f"{position.shard_id[:60]!r} must be 'shardId-' and 12 digits")
    after = 0
    if position.after_sequence_number:
        after = _number(problems, f"{path}after_sequence_number", position.after_sequence_number, index or 0)
    return reading.Place(
        stream_name=position.stream_name, stream_id=position.stream_id.lower(), shard_index=index or 0, after=after
    )


def _number(problems: Violations, field: str, text: str, shard_index: int) -> int:
    parsed = sequence.parse(text)
    if parsed is None:
        problems.add(field, f"{text[:60]!r} must be a sequence number of {sequence.DIGITS} digits")
    elif parsed[1] != shard_index:
        problems.add(field, f"{text} is not a number of {shard.shard_id(shard_index)}")
    return parsed[0] if parsed else 0
