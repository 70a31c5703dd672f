"""Shards and the hash keys that they own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stream_service.core import sequence

HASH_KEYS = 1 << 128
_SHARD_ID = re.compile(r"shardId-([0-9]{12})", re.ASCII)
_INDEX_MAX = 2**31 - 1


def shard_id(index: int) -> str:
    """The id of the shard with this index."""
    return f"shardId-{index:012d}"


def parse_shard_id(text: str) -> int | None:
    """The index in a shard id; None if it is not one."""
    match = _SHARD_ID.fullmatch(text)
    index = int(match[1]) if match else _INDEX_MAX + 1
    return index if index <= _INDEX_MAX else None


def uniform_ranges(count: int) -> list[tuple[int, int]]:
    """`count` ranges of equal width that cover the hash keys; the last takes the remainder (kinesis.md 2.2)."""
    step = HASH_KEYS // count
    starts = [index * step for index in range(count)]
    return list(zip(starts, [*(start - 1 for start in starts[1:]), HASH_KEYS - 1], strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A shard as it is stored. Numbers are 64-bit numbers, both hash keys belong to the shard."""

    key: int
    index: int
    starting_hash_key: int
    ending_hash_key: int
    parents: tuple[int, ...] = ()
    floor: int
    """Below every record's number."""
    last: int
    """The newest record's number, or the floor."""
    next_index: int
    """How many records the shard ever had."""
    horizon: int
    """Every record up to this number is trimmed; at least the floor."""
    horizon_index: int
    """How many records are trimmed."""
    is_open: bool = True
    created_millis: int = 0
    closed_millis: int | None = None
    """When it was split or merged; after every record that it holds. None while it is open."""
    stored_bytes: int = 0
    """Bytes of the segments that it keeps."""

    @property
    def shard_id(self) -> str:
        """The shard's id."""
        return shard_id(self.index)

    def text(self, number: int) -> str:
        """A number of this shard on the wire."""
        return sequence.text_of(number, self.index)


def children_of(parent: Shard, shards: Sequence[Shard]) -> list[Shard]:
    """The shards that a closed shard was split or merged into."""
    return [shard for shard in shards if parent.index in shard.parents]
