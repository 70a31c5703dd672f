"""The stream service's storage for tests: in memory, and on SQLite with its writer, under one clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy
from millrace.stream.v1 import record_pb2, stream_service_pb2

from chassis.database import engine, hints, migrations, postgres
from chassis.database.readers import Readers
from chassis.database.session import Database, Session
from chassis.database.transaction import Housekeeper, NoHousekeeping
from chassis.database.writer import Writer
from stream_service import app
from stream_service.core import reading, resharding, router, works
from stream_service.core.ports import Records
from stream_service.core.record import NewRecord, new_record
from stream_service.core.shard import Shard
from stream_service.core.stream import Stream, StreamChange, StreamSpec
from stream_service.storage import memory, sql_locks, sql_records, sql_store
from tests.support.clock import FakeClock

OnCommitted = Callable[[Sequence[object], Sequence[object]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Storage and the clock that it runs by. `database` is None in memory."""

    records: Records
    clock: FakeClock
    database: Database | None = None
    listeners: list[OnCommitted] = field(default_factory=list)
    """Told of every commit, before those who asked for it."""

    async def create(self, name: str = "orders", *, shards: int = 1, record_bytes_max: int = 1 << 20) -> Stream:
        """Make a stream with a retention of a day."""
        spec = StreamSpec(name=name, shard_count=shards, record_bytes_max=record_bytes_max)
        made = await self.records.write(works.Create(spec, ""))
        assert isinstance(made, Stream)
        return made

    async def put(self, *data: bytes, name: str = "orders", key: str = "key") -> list[int]:
        """Put records with one key; their numbers."""
        done = await self.put_all([a_record(each, key=key) for each in data], name=name)
        assert all(isinstance(answer, tuple) for answer in done.answers)
        return [int(answer[1][:20]) for answer in done.answers if isinstance(answer, tuple)]

    async def put_all(self, records: Sequence[NewRecord], *, name: str = "orders") -> works.PutDone:
        """Put records; what became of each."""
        done = await self.records.write(works.Put(name, records, sum(record[3] for record in records)))
        assert isinstance(done, works.PutDone)
        return done

    async def reshard(self, change: resharding.Change, *, name: str = "orders") -> works.Resharded:
        """Split or merge shards."""
        done = await self.records.write(works.Reshard(name, change))
        assert isinstance(done, works.Resharded)
        return done

    async def update(self, *, name: str = "orders", etag: str = "", request_id: str = "", **values: Any) -> Stream:
        """Change settings."""
        done = await self.records.write(works.Update(StreamChange(name=name, etag=etag, values=values), request_id))
        assert isinstance(done, works.Updated)
        return done.stream

    async def shards(self, name: str = "orders") -> Sequence[Shard]:
        """All shards by index."""
        return (await self.records.shards(name))[1]

    async def delete(self, name: str = "orders") -> works.Deleted:
        """Delete a stream."""
        deleted = await self.records.write(works.Delete(name))
        assert isinstance(deleted, works.Deleted)
        return deleted

    async def trim(self, passed_seconds: float) -> works.Trimmed:
        """One pass of trimming."""
        trimmed = await self.records.write(works.Trim(passed_seconds))
        assert isinstance(trimmed, works.Trimmed)
        return trimmed

    async def read(self, after: int = 0, *, name: str = "orders", index: int = 0, **bounds: int) -> reading.Found:
        """Read a shard after a number."""
        place = reading.Place(stream_name=name, stream_id="", shard_index=index, after=after)
        return await self.records.read(place, reading.Bounds(**bounds))

    async def data(self, after: int = 0, *, name: str = "orders", index: int = 0) -> list[bytes]:
        """Data of all records of a shard after a number, read to the tip."""
        taken: list[bytes] = []
        while (found := await self.read(after, name=name, index=index)).slices:
            taken += [record.data for record in decoded(found)]
            after = found.position
        return taken


def a_record(data: bytes = b"data", *, key: str = "key") -> NewRecord:
    """A record to put."""
    return new_record(key, data, router.hash_key_of(key))


def decoded(found: reading.Found) -> list[record_pb2.Record]:
    """The records of a read."""
    payload = b"".join(part.payload for part in found.slices)
    return list(stream_service_pb2.GetRecordsResponse.FromString(payload).records)


def numbers(found: reading.Found) -> list[int]:
    """The numbers of a read, from its index."""
    return [number for part in found.slices for number in part.numbers]


@contextlib.contextmanager
def open_migrated(folder: Path) -> Iterator[engine.Database]:
    """A database of the stream service."""
    database = engine.open_database(f"sqlite:///{folder / 'stream.db'}")
    try:
        migrations.upgrade(database, app.MIGRATIONS)
        yield database
    finally:
        database.close()


@contextlib.asynccontextmanager
async def on_sqlite(folder: Path, clock: FakeClock | None = None) -> AsyncIterator[World]:
    """Storage on a fresh or an existing database in a folder."""
    clock = clock or FakeClock()
    with open_migrated(folder) as database:
        store = sql_store.SqlStore(clock.unix_millis, monotonic=clock.monotonic)
        async with _running(database, database.writer_connection, store, clock, NoHousekeeping()) as made:
            yield made


@contextlib.asynccontextmanager
async def on_postgres(url: str, clock: FakeClock | None = None) -> AsyncIterator[World]:
    """Storage on a PostgreSQL database that has the tables; several worlds may be on one at a time."""
    clock = clock or FakeClock()
    database = postgres.open_database(url, readers=2)
    try:
        locks = sql_locks.ManyWriters()
        store = sql_store.SqlStore(clock.unix_millis, monotonic=clock.monotonic, locks=locks)
        async with _running(database, database.session, store, clock, hints.Notifier()) as made:
            yield made
    finally:
        database.close()


@contextlib.asynccontextmanager
async def _running(
    database: Database,
    connect: Callable[[], sqlalchemy.Connection | Session],
    store: sql_store.SqlStore,
    clock: FakeClock,
    housekeeper: Housekeeper,
) -> AsyncIterator[World]:
    failures = list[str]()
    told: list[sql_records.SqlRecords] = []
    listeners: list[OnCommitted] = []

    def tell(group: Sequence[object], results: Sequence[object]) -> None:
        told[0].on_committed(results)
        for each in listeners:
            each(group, results)

    writer = Writer(
        connect,
        store.transact,
        on_committed=tell,
        on_fatal=failures.append,
        housekeeper=housekeeper,
        on_rolled_back=store.on_rolled_back,
    )
    readers = Readers(database, on_fatal=failures.append)
    told.append(sql_records.SqlRecords(writer, readers))
    writer.start(asyncio.get_running_loop())
    try:
        yield World(records=told[0], clock=clock, database=database, listeners=listeners)
    finally:
        await writer.stop()
        readers.close()
    assert not failures


def in_memory() -> World:
    """Storage in memory."""
    clock = FakeClock()
    listeners: list[OnCommitted] = []
    records = memory.MemoryRecords(clock.unix_millis, listeners=listeners)
    return World(records=records, clock=clock, listeners=listeners)
