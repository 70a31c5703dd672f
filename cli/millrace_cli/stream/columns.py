"""How streams and shards are shown in tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from millrace.stream.v1 import stream_pb2

from millrace_cli import quantity
from millrace_cli.output import Column

_HASH_KEYS = 2**128
_BAR_CHARACTERS = 24


def moment(value: Any) -> str:
    """A Timestamp in UTC, to the second."""
    return f"{value.ToDatetime():%Y-%m-%d %H:%M:%S}Z" if value.ByteSize() else ""


def _status(row: Any) -> str:
    return stream_pb2.StreamStatus.Name(row.status).removeprefix("STREAM_STATUS_")


def _limits(limits: Any) -> str:
    rates = [f"{value:,} {unit}" for value, unit in _rates(limits) if value]
    return ", ".join(rates) or "none"


def _rates(limits: Any) -> list[tuple[int, str]]:
    return [(getattr(limits, f"{name}_per_second", 0), f"{name}/s") for name in ("bytes", "records", "calls")]


def _tags(row: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(row.tags.items()))


STREAMS = [
    Column("STREAM", lambda row: row.stream_name),
    Column("STATUS", _status),
    Column("OPEN SHARDS", lambda row: f"{row.open_shard_count:,}", is_number=True),
    Column("RETENTION", lambda row: quantity.duration_text(row.retention_period.ToTimedelta())),
    Column("CREATED", lambda row: moment(row.create_time)),
]

STREAM = [
    *STREAMS,
    Column("STREAM ID", lambda row: row.stream_id),
    Column("RECORD SIZE MAX", lambda row: quantity.size_text(row.max_record_size_bytes)),
    Column("SHARD SIZE MAX", lambda row: _most(row.retention_bytes_per_shard)),
    Column("WRITE LIMITS", lambda row: _limits(row.write_limits)),
    Column("READ LIMITS", lambda row: _limits(row.read_limits)),
    Column("CONSUMERS", lambda row: str(row.consumer_count)),
    Column("TAGS", _tags),
    Column("ETAG", lambda row: row.etag),
]

SHARDS = [
    Column("SHARD", lambda row: row.shard_id),
    Column("STATE", lambda row: "closed" if row.sequence_number_range.ending_sequence_number else "open"),
    Column("FIRST HASH KEY", lambda row: row.hash_key_range.starting_hash_key, is_number=True),
    Column("LAST HASH KEY", lambda row: row.hash_key_range.ending_hash_key, is_number=True),
    Column("SHARE", lambda row: f"{share(row):.1%}", is_number=True),
    Column("HASH KEYS", lambda row: _bar(row)),
    Column("PARENTS", lambda row: " ".join(filter(None, [row.parent_shard_id, row.adjacent_parent_shard_id]))),
]


TRAFFIC = [
    Column("SHARD", lambda row: row.shard_id),
    Column("RECORDS", lambda row: f"{row.record_count:,}", is_number=True),
    Column("BYTES", lambda row: f"{row.byte_count:,}", is_number=True),
    Column("OF ALL RECORDS", lambda row: f"{row.record_share:.1%}", is_number=True),
    Column("", lambda row: filled(row.record_share)),
]


def filled(part: float) -> str:
    """A bar that is full for 1."""
    return "█" * round(part * _BAR_CHARACTERS)


def _bar(shard: Any) -> str:
    """Where the shard's hash keys lie among all: at least one character."""
    ends = shard.hash_key_range
    first = int(ends.starting_hash_key) * _BAR_CHARACTERS // _HASH_KEYS
    last = int(ends.ending_hash_key) * _BAR_CHARACTERS // _HASH_KEYS
    return "·" * first + "█" * (last - first + 1) + "·" * (_BAR_CHARACTERS - 1 - last)


def share(shard: Any) -> float:
    """The shard's part of all hash keys, 0 to 1."""
    ends = shard.hash_key_range
    return (int(ends.ending_hash_key) - int(ends.starting_hash_key) + 1) / _HASH_KEYS


def traffic(by_shard: Mapping[str, Any]) -> list[Column]:
    """Columns for what open shards took lately."""

    def taken(row: Any) -> Any:
        return by_shard.get(row.shard_id, stream_pb2.ShardTraffic())

    return [
        Column("RECORDS IN 300 S", lambda row: f"{taken(row).record_count:,}", is_number=True),
        Column("BYTES IN 300 S", lambda row: f"{taken(row).byte_count:,}", is_number=True),
        Column("OF ALL RECORDS", lambda row: f"{taken(row).record_share:.1%}", is_number=True),
        Column("TRAFFIC", lambda row: filled(taken(row).record_share)),
    ]


def _most(size_bytes: int) -> str:
    return quantity.size_text(size_bytes) if size_bytes else "without limit"
