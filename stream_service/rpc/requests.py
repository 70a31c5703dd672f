"""From messages to core values. Everything that is wrong with a request is told at once, by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2
from millrace.stream.v1 import stream_service_pb2 as pb

from chassis.errors import Violations
from stream_service.core import limits, names, reading, router, sequence, shard, starting, stream
from stream_service.core.record import NewRecord, new_record
from stream_service.watching import ENTRIES_MAX, INLINE_BYTES_MAX, Entry

MAX_WAIT_SECONDS_MAX = 20
NOT_BUILT = "is not built yet; leave it unset"
_NANOS = 1_000_000_000
_TYPES = {
    pb.SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER: starting.IteratorType.AT_SEQUENCE_NUMBER,
    pb.SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER: starting.IteratorType.AFTER_SEQUENCE_NUMBER,
    pb.SHARD_ITERATOR_TYPE_AT_TIMESTAMP: starting.IteratorType.AT_TIMESTAMP,
    pb.SHARD_ITERATOR_TYPE_TRIM_HORIZON: starting.IteratorType.TRIM_HORIZON,
    pb.SHARD_ITERATOR_TYPE_LATEST: starting.IteratorType.LATEST,
}


def spec(request: pb.CreateStreamRequest) -> stream.StreamSpec:
    """What a new stream is to be; its ranges are checked by the use case."""
    problems = Violations()
    for field in ("tags", "retention_bytes_per_shard"):
        if getattr(request, field):
            problems.add(field, NOT_BUILT)
    if request.HasField("write_limits"):
        problems.add("write_limits", NOT_BUILT)
    retention = stream.RETENTION_SECONDS_MIN
    if request.HasField("retention_period"):
        retention = request.retention_period.seconds
        if request.retention_period.nanos:
            problems.add("retention_period", "must be whole seconds")
    wanted = stream.StreamSpec(
        name=request.stream_name,
        shard_count=request.shard_count or 1,
        retention_seconds=retention,
        record_bytes_max=request.max_record_size_bytes or stream.RECORD_BYTES_MIN,
    )
    limits.check_spec(problems, wanted)
    limits.check_uuid(problems, "request_id", request.request_id)
    problems.raise_if_any()
    return wanted


def check_list_shards(request: pb.ListShardsRequest) -> None:
    """Refuse a filter."""
    if request.HasField("shard_filter"):
        problems = Violations()
        problems.add("shard_filter", NOT_BUILT)
        problems.raise_if_any()


def record(request: pb.PutRecordRequest, *, now_millis: int) -> NewRecord:
    """The record of a PutRecord. A number for ordering is kept anyway, as numbers rise; it has to be one."""
    problems = Violations()
    limits.check_name(problems, "stream_name", request.stream_name)
    found = _record(problems, "", request)
    ordering = request.sequence_number_for_ordering
    if ordering:
        parsed = sequence.parse(ordering)
        if parsed is None:
            problems.add("sequence_number_for_ordering", f"must be a sequence number of {sequence.DIGITS} digits")
        elif sequence.millis_of(parsed[0]) > now_millis:
            problems.add("sequence_number_for_ordering", f"{ordering} lies in the future")
    problems.raise_if_any()
    return found


def records(request: pb.PutRecordsRequest) -> tuple[Sequence[NewRecord], int]:
    """The records of a PutRecords, and their bytes together.

    The usual request has keys and data alone; any other takes the path that names what is wrong.
    """
    made: list[NewRecord] = []
    append, hash_key_of = made.append, router.hash_key_of
    total, is_plain = 0, not request.all_or_none
    for entry in request.records:
        key, data = entry.partition_key, entry.data
        if entry.explicit_hash_key or entry.producer_id or entry.producer_sequence or entry.attributes:
            is_plain = False
        key_bytes, data_bytes = len(key) if key.isascii() else len(key.encode()), len(data)
        fields = key_bytes + (2 if key_bytes < 128 else 3)
        if data_bytes:
            fields += data_bytes + (
                2 if data_bytes < 128 else 3 if data_bytes < 16_384 else 4 if data_bytes < 2_097_152 else 5
            )
        total += key_bytes + data_bytes
        if not 0 < len(key) <= limits.PARTITION_KEY_CHARACTERS_MAX:
            is_plain = False
        append((key, data, hash_key_of(key), key_bytes + data_bytes, fields))
    is_plain = is_plain and 0 < len(made) <= limits.RECORDS_MAX and total <= limits.REQUEST_BYTES_MAX
    if not is_plain or not names.is_stream_name(request.stream_name):
        return _records_checked(request)
    return made, total


def _records_checked(request: pb.PutRecordsRequest) -> tuple[Sequence[NewRecord], int]:
    """The same, slower, naming everything that is wrong."""
    problems = Violations()
    limits.check_name(problems, "stream_name", request.stream_name)
    if request.all_or_none:
        problems.add("all_or_none", NOT_BUILT)
    made: Sequence[NewRecord] = ()
    if len(request.records) <= limits.RECORDS_MAX:
        made = [_record(problems, f"records[{place}].", each) for place, each in enumerate(request.records)]
        limits.check_request(problems, [each[3] for each in made])
    else:
        limits.check_request(problems, range(len(request.records)))
    problems.raise_if_any()
    return made, sum(each[3] for each in made)


def _record(problems: Violations, path: str, entry: Any) -> NewRecord:
    key, data, explicit = entry.partition_key, entry.data, entry.explicit_hash_key
    limits.check_partition_key(problems, f"{path}partition_key", key)
    limits.check_hash_key(problems, f"{path}explicit_hash_key", explicit)
    for field in ("attributes", "producer_id", "producer_sequence"):
        if getattr(entry, field):
            problems.add(f"{path}{field}", NOT_BUILT)
    hash_key = router.parse_hash_key(explicit) if explicit else router.hash_key_of(key)
    return new_record(key, data, hash_key or 0)


def start(request: pb.GetShardIteratorRequest) -> starting.Start:
    """Where an iterator is to start; checked by the use case, but for the time's form."""
    millis = None
    if request.HasField("time"):
        millis = _millis("time", request.time)
    return starting.Start(
        stream_name=request.stream_name,
        shard_id=request.shard_id,
        type=_TYPES.get(request.type),
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
    seconds = request.max_wait.seconds + request.max_wait.nanos / _NANOS
    if not _is_normal(request.max_wait) or not 0 <= seconds <= MAX_WAIT_SECONDS_MAX:
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


def _millis(field: str, time: timestamp_pb2.Timestamp) -> int:
    if not 0 <= time.nanos < _NANOS or not -62_135_596_800 <= time.seconds <= 253_402_300_799:
        problems = Violations()
        problems.add(field, "is not a valid time")
        problems.raise_if_any()
    return time.seconds * 1000 + time.nanos // 1_000_000


def _is_normal(duration: duration_pb2.Duration) -> bool:
    return abs(duration.nanos) < _NANOS and duration.seconds * duration.nanos >= 0
