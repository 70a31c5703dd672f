"""Records on their way in, and runs of stored records on their way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class NewRecord(NamedTuple):
    """A record to put. A tuple, as thousands are made a second."""

    partition_key: str
    data: bytes
    hash_key: int
    size_bytes: int
    """UTF-8 partition key and data."""


class Stored(NamedTuple):
    """Where a record was stored."""

    shard_index: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Stored records of one shard in order, encoded as `repeated Record records = 1`, with their index."""

    payload: bytes = b""
    end_offsets: tuple[int, ...] = ()
    """Where each record ends in the payload."""
    numbers: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    """Bytes of key and data of each record."""

    def __len__(self) -> int:
        return len(self.numbers)
