"""Streams: what is stored of them, what a new one may ask for, and what may be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HOUR_SECONDS = 3600
RETENTION_SECONDS_MIN = 24 * HOUR_SECONDS
RETENTION_SECONDS_MAX = 8760 * HOUR_SECONDS
SHARD_COUNT_MAX = 10_000
RECORD_BYTES_MIN = 1 << 20
RECORD_BYTES_MAX = 10 << 20
RETENTION_BYTES_MIN = 1 << 20
CONSUMERS_MAX = 1_000

Tags = tuple[tuple[str, str], ...]
"""Keys and values, by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteLimits:
    """What each shard takes a second; 0 is without limit."""

    bytes_per_second: int = 0
    records_per_second: int = 0

    @property
    def is_set(self) -> bool:
        """Whether there is anything to count."""
        return bool(self.bytes_per_second or self.records_per_second)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """What each shard answers a second; 0 is without limit."""

    bytes_per_second: int = 0
    calls_per_second: int = 0

    @property
    def is_set(self) -> bool:
        """Whether there is anything to count."""
        return bool(self.bytes_per_second or self.calls_per_second)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """What a new stream is to be; checked by limits.check_spec."""

    name: str
    shard_count: int = 1
    retention_seconds: int = RETENTION_SECONDS_MIN
    record_bytes_max: int = RECORD_BYTES_MIN
    tags: Tags = ()
    write_limits: WriteLimits = WriteLimits()
    read_limits: ReadLimits = ReadLimits()
    retention_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamChange:
    """New values for fields of a stream. An empty etag changes it whatever it is now."""

    name: str
    etag: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """By field of Stream: retention_seconds, record_bytes_max, tags, write_limits, read_limits, retention_bytes."""


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
    consumer_count: int = 0
    tags: Tags = ()
    write_limits: WriteLimits = WriteLimits()
    read_limits: ReadLimits = ReadLimits()
    retention_bytes: int = 0
    """Most bytes that a shard keeps; 0 is without limit."""
    horizon_millis: int = 0
    """Records of before this time are trimmed, or about to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A registered consumer of a stream."""

    consumer_id: str
    name: str
    created_millis: int
