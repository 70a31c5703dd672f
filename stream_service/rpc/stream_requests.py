"""From messages about streams and shards to core values. Everything that is wrong is told at once, by field."""

from __future__ import annotations

from typing import Any

from google.protobuf import duration_pb2
from millrace.stream.v1 import stream_pb2
from millrace.stream.v1 import stream_service_pb2 as pb

from chassis.errors import Violations
from stream_service.core import limits, listing, peeking, resharding, router, sequence, shard, stream
from stream_service.core.tags import in_order
from stream_service.rpc.times import NANOS, millis_of

_DEFAULT = stream.StreamSpec(name="-")
_FILTERS = {
    pb.SHARD_FILTER_TYPE_AFTER_SHARD_ID: listing.FilterType.AFTER_SHARD_ID,
    pb.SHARD_FILTER_TYPE_AT_TRIM_HORIZON: listing.FilterType.AT_TRIM_HORIZON,
    pb.SHARD_FILTER_TYPE_FROM_TRIM_HORIZON: listing.FilterType.FROM_TRIM_HORIZON,
    pb.SHARD_FILTER_TYPE_AT_LATEST: listing.FilterType.AT_LATEST,
    pb.SHARD_FILTER_TYPE_AT_TIMESTAMP: listing.FilterType.AT_TIMESTAMP,
    pb.SHARD_FILTER_TYPE_FROM_TIMESTAMP: listing.FilterType.FROM_TIMESTAMP,
}
_MASKED = {
    "retention_period": "retention_seconds",
    "max_record_size_bytes": "record_bytes_max",
    "tags": "tags",
    "write_limits": "write_limits",
    "read_limits": "read_limits",
    "retention_bytes_per_shard": "retention_bytes",
}
"""What a mask may name, and its field of Stream."""


def spec(request: pb.CreateStreamRequest) -> stream.StreamSpec:
    """What a new stream is to be."""
    problems = Violations()
    wanted = stream.StreamSpec(
        name=request.stream_name, shard_count=request.shard_count or 1, **_settings(problems, "", request)
    )
    limits.check_spec(problems, wanted)
    limits.check_uuid(problems, "request_id", request.request_id)
    problems.raise_if_any()
    return wanted


def change(request: pb.UpdateStreamRequest) -> stream.StreamChange:
    """What is to be changed of a stream."""
    problems = Violations()
    limits.check_name(problems, "stream.stream_name", request.stream.stream_name)
    paths = list(request.update_mask.paths)
    if not paths:
        problems.add("update_mask", "must name at least one of " + ", ".join(_MASKED))
    for path in paths:
        if path not in _MASKED:
            problems.add("update_mask", f"{path[:60]!r} cannot be changed; it may name " + ", ".join(_MASKED))
    settings = _settings(problems, "stream.", request.stream)
    named = {_MASKED[path]: settings[_MASKED[path]] for path in paths if path in _MASKED}
    limits.check_settings(problems, "stream.", stream.StreamSpec(name="-", **named))
    problems.raise_if_any()
    return stream.StreamChange(name=request.stream.stream_name, etag=request.stream.etag, values=named)


def _settings(problems: Violations, path: str, request: pb.CreateStreamRequest | stream_pb2.Stream) -> dict[str, Any]:
    """The settings of a stream; those that are unset as a new stream has them."""
    write, read = request.write_limits, request.read_limits
    has_retention = request.HasField("retention_period")
    return {
        "retention_seconds": _seconds(problems, f"{path}retention_period", request.retention_period)
        if has_retention
        else _DEFAULT.retention_seconds,
        "record_bytes_max": request.max_record_size_bytes or _DEFAULT.record_bytes_max,
        "tags": in_order(request.tags),
        "retention_bytes": request.retention_bytes_per_shard,
        "write_limits": stream.WriteLimits(
            bytes_per_second=write.bytes_per_second, records_per_second=write.records_per_second
        ),
        "read_limits": stream.ReadLimits(
            bytes_per_second=read.bytes_per_second, calls_per_second=read.calls_per_second
        ),
    }


def _seconds(problems: Violations, field: str, duration: duration_pb2.Duration) -> int:
    if duration.nanos:
        problems.add(field, f"{duration.seconds + duration.nanos / NANOS} s must be whole seconds")
    return int(duration.seconds)


def shard_filter(request: pb.ListShardsRequest) -> listing.ShardFilter | None:
    """Which shards; what goes with the type is checked by the use case."""
    if not request.HasField("shard_filter"):
        return None
    wanted = request.shard_filter
    problems = Violations()
    index = _index(problems, "shard_filter.shard_id", wanted.shard_id) if wanted.shard_id else None
    problems.raise_if_any()
    millis = millis_of("shard_filter.time", wanted.time) if wanted.HasField("time") else None
    return listing.ShardFilter(type=_FILTERS.get(wanted.type), shard_index=index, unix_millis=millis)


def split(request: pb.SplitShardRequest) -> resharding.Split:
    """Which shard to split, and where."""
    problems = Violations()
    index = _index(problems, "shard_id", request.shard_id)
    text = request.new_starting_hash_key
    hash_key = router.parse_hash_key(text) if text else None
    if hash_key is None:
        text = repr(text[:60])
        problems.add(
            "new_starting_hash_key", f"{text} must be a whole number from 0 to 2^128 - 1 without leading zeros"
        )
    problems.raise_if_any()
    return resharding.Split(index, hash_key or 0)


def merge(request: pb.MergeShardsRequest) -> resharding.Merge:
    """Which shards to merge."""
    problems = Violations()
    index = _index(problems, "shard_id", request.shard_id)
    adjacent = _index(problems, "adjacent_shard_id", request.adjacent_shard_id)
    problems.raise_if_any()
    return resharding.Merge(index, adjacent)


def peek(request: pb.PeekRecordsRequest) -> peeking.Peek:
    """What to show. A sequence number names its shard."""
    problems = Violations()
    limits.check_name(problems, "stream_name", request.stream_name)
    limits.check_range(problems, "limit", request.limit, (0, peeking.LIMIT_MAX))
    index = _index(problems, "shard_id", request.shard_id) if request.shard_id else None
    number = None
    if request.from_sequence_number:
        parsed = sequence.parse(request.from_sequence_number)
        if parsed is None:
            text = f"{request.from_sequence_number[:60]!r} must be a sequence number of {sequence.DIGITS} digits"
            problems.add("from_sequence_number", text)
        elif index is not None and parsed[1] != index:
            text = f"{request.from_sequence_number} is not a number of {shard.shard_id(index)}"
            problems.add("from_sequence_number", text)
        else:
            number, index = parsed
        if request.HasField("from_time"):
            problems.add("from_time", "must be unset with from_sequence_number")
    problems.raise_if_any()
    return peeking.Peek(
        stream_name=request.stream_name,
        shard_index=index,
        limit=request.limit or peeking.LIMIT_DEFAULT,
        from_number=number,
        from_millis=millis_of("from_time", request.from_time) if request.HasField("from_time") else None,
    )


def _index(problems: Violations, field: str, shard_id: str) -> int:
    index = shard.parse_shard_id(shard_id)
    if index is None:
        problems.add(field, f"{shard_id[:60]!r} must be 'shardId-' and 12 digits")
    return index or 0
