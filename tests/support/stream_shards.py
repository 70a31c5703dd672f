"""Builders of the stream service's shards and streams."""

from __future__ import annotations

from stream_service.core.shard import HASH_KEYS, Shard, uniform_ranges
from stream_service.core.stream import Stream

FLOOR = (1_700_000_000_000 << 20) - 1


def a_shard(
    index: int = 0,
    *,
    low: int = 0,
    high: int = HASH_KEYS - 1,
    last: int = FLOOR,
    horizon: int = FLOOR,
    is_open: bool = True,
) -> Shard:
    """A shard whose key is its index and 1,000."""
    return Shard(
        key=1_000 + index,
        index=index,
        starting_hash_key=low,
        ending_hash_key=high,
        floor=FLOOR,
        last=last,
        next_index=0,
        horizon=horizon,
        horizon_index=0,
        is_open=is_open,
    )


def shards_of(count: int) -> list[Shard]:
    """Open shards of equal width."""
    return [a_shard(index, low=low, high=high) for index, (low, high) in enumerate(uniform_ranges(count))]


def a_stream(name: str = "orders") -> Stream:
    """A stream."""
    return Stream(
        key=1,
        stream_id="6b1f0a52-53a8-4f5e-9d5b-0d9a53f6a001",
        name=name,
        retention_seconds=86_400,
        record_bytes_max=1 << 20,
        created_millis=1_700_000_000_000,
        etag="e",
        open_shard_count=1,
    )
