"""Streams: what is stored of them, and what a new one may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stream_service.core.shard import Shard

HOUR_SECONDS = 3600
RETENTION_SECONDS_MIN = 24 * HOUR_SECONDS
RETENTION_SECONDS_MAX = 8760 * HOUR_SECONDS
SHARD_COUNT_MAX = 10_000
RECORD_BYTES_MIN = 1 << 20
RECORD_BYTES_MAX = 10 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """What a new stream is to be; checked by limits.check_spec."""

    name: str
    shard_count: int = 1
    retention_seconds: int = RETENTION_SECONDS_MIN
    record_bytes_max: int = RECORD_BYTES_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream as it is stored: one incarnation of its name."""

    key: int
    stream_id: str
    name: str
    retention_seconds: int
    record_bytes_max: int
    created_millis: int
    etag: str
    open_shard_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamShards:
    """A stream with its shards in the order of their ids."""

    stream: Stream
    shards: Sequence[Shard]
