"""Showing records of one shard, or of all merged by arrival, without reading everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from stream_service.core import reading
from stream_service.core.shard import Shard

LIMIT_DEFAULT = 10
LIMIT_MAX = 1_000
BYTES_MAX = reading.BYTES_MAX


class StoredRun(Protocol):
    """Some records of a shard that are stored together."""

    @property
    def previous_last(self) -> int:
        """The number before the first of them."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def payload_bytes(self) -> int:
        """Bytes that they take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Where to read a shard from to have its last records, and how many records that are."""

    shard: Shard
    after: int
    count: int


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """One encoded record, ordered by arrival."""

    number: int
    shard_index: int
    size: int
    payload: bytes | memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """What to show. Without a shard all of them; without a start the last records."""

    stream_name: str
    shard_index: int | None
    limit: int
    from_number: int | None = None
    from_millis: int | None = None


def tail_of(shard: Shard, newest_first: Iterable[StoredRun], wanted: int) -> Tail:
    """The fewest runs from the end of a shard that hold `wanted` records, or as many bytes as an answer may."""
    after, count, size = shard.last, 0, 0
    for run in newest_first:
        after, count, size = run.previous_last, count + run.count, size + run.payload_bytes
        if count >= wanted or size >= BYTES_MAX:
            break
    return Tail(shard=shard, after=max(after, shard.horizon), count=count)


def pieces_of(found: reading.Found) -> list[Piece]:
    """The records of a read, one by one."""
    pieces = []
    for part in found.slices:
        begin = 0
        for end, number, size in zip(part.ends, part.numbers, part.sizes, strict=True):
            pieces.append(Piece(number, found.shard.index, size, part.payload[begin:end]))
            begin = end
    return pieces


def newest(pieces: Iterable[Piece], limit: int) -> list[Piece]:
    """The last records in the order of their arrival, within the bytes of an answer; at least one."""
    return _within(sorted(pieces, reverse=True)[:limit])[::-1]


def oldest(pieces: Iterable[Piece], limit: int) -> list[Piece]:
    """The first records in the order of their arrival, within the bytes of an answer; at least one."""
    return _within(sorted(pieces)[:limit])


def _within(pieces: Sequence[Piece]) -> list[Piece]:
    taken: list[Piece] = []
    size = 0
    for piece in pieces:
        size += piece.size
        if taken and size > BYTES_MAX:
            break
        taken.append(piece)
    return taken
