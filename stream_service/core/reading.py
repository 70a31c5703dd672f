"""What a read asks for and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stream_service.core.shard import Shard
from stream_service.core.stream import Stream

RECORDS_MAX = 10_000
BYTES_MAX = 10 << 20
NUMBER_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a shard: after a number. An empty stream id means whichever stream has the name."""

    stream_name: str
    stream_id: str
    shard_index: int
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much a read answers at most; one record always, whatever its size. `until` is the last number read."""

    limit: int = RECORDS_MAX
    bytes_max: int = BYTES_MAX
    until: int = NUMBER_MAX


@dataclass(frozen=True, slots=True)
class Slice:
    """Records of one segment: encoded, with the end, number and size of each."""

    payload: bytes | memoryview
    ends: Sequence[int]
    numbers: Sequence[int]
    sizes: Sequence[int]


@dataclass(slots=True, kw_only=True)
class Found:
    """What a read found. The shard's row is as it was before its segments were looked at (rule L2)."""

    stream: Stream
    shard: Shard
    start: int
    """Where reading began: the place, or the horizon if that is later."""
    slices: list[Slice]
    position: int
    """Where to read on."""
    children: Sequence[Shard] = ()
    is_cut: bool = False
    """Whether the last slice ends before its segment does."""

    @property
    def is_end(self) -> bool:
        """Whether nothing will come after this."""
        return not self.shard.is_open and self.position >= self.shard.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a read answers: what was found, and where to go on."""

    found: Found
    missed: int
    """Records that were trimmed between the place that was asked for and where reading began; the least number
    where the place was not the shard's beginning, as nobody knows the count of a trimmed place."""
    asked: int
    millis_behind: int
    next_iterator: str
    service_millis: int
