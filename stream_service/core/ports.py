"""What this service needs of others: the promises that storage and clocks keep."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from stream_service.core import peeking, reading, works
from stream_service.core.shard import Shard
from stream_service.core.stream import Consumer, Stream


class Clock(Protocol):
    """The clocks of the host (rule C1)."""

    def unix_millis(self) -> int:
        """The wall clock, which may jump."""

    def monotonic(self) -> float:
        """Seconds that only rise."""


class Records(Protocol):
    """Keeps streams, shards and records.

    Written means on disk. Records of a shard become visible in the order of their numbers; a number is never given
    twice, not even after a delete. A read sees one snapshot, the shard's row before its segments (rules L2, L3).
    """

    async def write(self, work: works.Work) -> object:
        """The work's result, once it is on disk. Raises its refusal, or Overloaded, StorageFull, OutcomeUnknown."""

    async def find_stream(self, name: str, stream_id: str = "") -> Stream:
        """Raises StreamNotFound, also when the stream of that name is another incarnation than `stream_id`."""

    async def list_streams(self, *, after: str, limit: int) -> list[Stream]:
        """At most `limit` streams by name, after a name; empty when there are none."""

    async def shards(self, name: str, stream_id: str = "") -> tuple[Stream, Sequence[Shard]]:
        """A stream and all its shards in the order of their ids. Raises StreamNotFound."""

    async def consumers(self, name: str) -> tuple[Stream, Sequence[Consumer]]:
        """A stream and its registered consumers by name. Raises StreamNotFound."""

    async def traffic(self, name: str, *, since_millis: int) -> Mapping[int, tuple[int, int]]:
        """Records and bytes that each open shard took since a time, by index; those without any are left out.

        Raises StreamNotFound.
        """

    async def tails(self, name: str, indexes: Sequence[int], *, count: int) -> Sequence[peeking.Tail]:
        """Where the last `count` records of these shards begin; shards that are gone are left out.

        Raises StreamNotFound.
        """

    def at_hand(self, stream: Stream, shard: Shard, after: int, bounds: reading.Bounds) -> reading.Found | None:
        """All records of an open shard after a number, if memory has them; None if it does not, or bounds forbid all.

        `shard` is the row as committed. Does no I/O, so that the loop may ask.
        """

    async def read(self, place: reading.Place, bounds: reading.Bounds) -> reading.Found:
        """Records after a place. Raises StreamNotFound, ShardNotFound, PositionAhead, RecordsDamaged."""


class ShardSight(NamedTuple):
    """What changes of a shard."""

    last: int
    horizon: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSight:
    """What tells that a stream was changed."""

    stream_id: str
    etag: str
    shards: Mapping[int, ShardSight]
    """By the shard's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Streams by name, and consumers by id; what is not there is left out."""

    streams: Mapping[str, StreamSight]
    consumer_ids: Collection[str]


class Sights(Protocol):
    """Looks at many streams at once, for a service that is not alone on its database."""

    async def look(self, names: Collection[str], consumer_ids: Collection[str]) -> Seen:
        """What there is of these streams and consumers, on one snapshot."""


class Hints(Protocol):
    """Tells that others committed something."""

    async def wait(self, seconds: float) -> bool:
        """Wait for a hint, at most so long."""

    async def close(self) -> None:
        """Wait no more."""
