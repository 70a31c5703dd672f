"""The Records promise on SQL: works go to the writer, reads to the readers' threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from chassis.database.readers import Readers
from chassis.database.writer import Writer
from stream_service.core import peeking, reading, works
from stream_service.core.ports import Seen
from stream_service.core.shard import Shard
from stream_service.core.stream import Consumer, Stream
from stream_service.storage import sql_catalog, sql_changes, sql_log, sql_look
from stream_service.storage.segment import Segment
from stream_service.storage.segment_cache import SegmentCache

T = TypeVar("T")


class SqlRecords:
    """Streams and records in one database."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers
        self._cache = SegmentCache()

    def on_committed(self, results: Sequence[object]) -> None:
        """Keep what was just committed at hand for readers."""
        seen: set[int] = set()
        for result in results:
            if isinstance(result, works.PutDone) and id(result.commit) not in seen:
                seen.add(id(result.commit))
                for each in result.commit.segments:
                    assert isinstance(each, Segment)
                    self._cache.add(each)

    async def write(self, work: works.Work) -> object:
        """See ports.Records."""
        return await self._writer.submit(work)

    async def find_stream(self, name: str, stream_id: str = "") -> Stream:
        """See ports.Records."""
        return await self._run(sql_catalog.find_stream, name, stream_id)

    async def list_streams(self, *, after: str, limit: int) -> list[Stream]:
        """See ports.Records."""
        return await self._readers.run(partial(sql_catalog.list_streams, after=after, limit=limit))

    async def shards(self, name: str, stream_id: str = "") -> tuple[Stream, Sequence[Shard]]:
        """See ports.Records."""
        return await self._run(_shards, name, stream_id)

    async def consumers(self, name: str) -> tuple[Stream, Sequence[Consumer]]:
        """See ports.Records."""
        return await self._run(_consumers, name)

    async def traffic(self, name: str, *, since_millis: int) -> Mapping[int, tuple[int, int]]:
        """See ports.Records."""
        return await self._readers.run(partial(sql_look.traffic, name=name, since_millis=since_millis))

    async def tails(self, name: str, indexes: Sequence[int], *, count: int) -> Sequence[peeking.Tail]:
        """See ports.Records."""
        return await self._readers.run(partial(sql_look.tails, name=name, indexes=indexes, count=count))

    async def look(self, names: Collection[str], consumer_ids: Collection[str]) -> Seen:
        """See ports.Sights."""
        return await self._readers.run(partial(sql_look.look, names=names, consumer_ids=consumer_ids))

    def at_hand(self, stream: Stream, shard: Shard, after: int, bounds: reading.Bounds) -> reading.Found | None:
        """See ports.Records."""
        found = reading.Found(stream=stream, shard=shard, start=after, slices=[], position=after)
        sql_log.gather(sql_log.cached(self._cache, found), found, bounds)
        return found if found.position == shard.last else None

    async def read(self, place: reading.Place, bounds: reading.Bounds) -> reading.Found:
        """See ports.Records."""
        return await self._run(_read, self._cache, place, bounds)

    async def _run(self, read: Callable[..., T], *arguments: object) -> T:
        return await self._readers.run(lambda connection: read(connection, *arguments))


def _shards(connection: sa.Connection, name: str, stream_id: str) -> tuple[Stream, Sequence[Shard]]:
    found = sql_catalog.find_stream(connection, name, stream_id)
    return found, sql_catalog.shards_of(connection, found.key)


def _consumers(connection: sa.Connection, name: str) -> tuple[Stream, Sequence[Consumer]]:
    found = sql_catalog.find_stream(connection, name)
    return found, sql_changes.consumers_of(connection, found.key)


def _read(
    connection: sa.Connection, cache: SegmentCache, place: reading.Place, bounds: reading.Bounds
) -> reading.Found:
    found = sql_catalog.find_stream(connection, place.stream_name, place.stream_id, is_counted=False)
    return sql_log.read(connection, cache, found, place, bounds)
