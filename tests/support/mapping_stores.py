"""The mapping service's stores for tests: in memory and on SQLite, each method a transaction of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy

from chassis.database import engine, migrations
from mapping_service.app import MIGRATIONS
from mapping_service.core.dead_letter import Condition, DeadLetter
from mapping_service.core.handler import Handler
from mapping_service.core.lease import CheckpointWrite, Lease, NewLease, Take
from mapping_service.core.mapping import EventSourceMapping, StartingPosition
from mapping_service.core.policy import Policy
from mapping_service.core.ports import ResolvedStart
from mapping_service.storage import memory, sql_storage
from mapping_service.stores import Stores

SHARDS = ("shardId-000000000000", "shardId-000000000001")
NOW = 1_700_000_000_000


class _Transactions:
    """Calls each method of a store inside a transaction, as the writer does with a change."""

    def __init__(self, connection: sqlalchemy.Connection, store: Any) -> None:
        self._connection = connection
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                result = method(*arguments, **named)
            except BaseException:
                self._connection.exec_driver_sql("ROLLBACK")
                raise
            self._connection.exec_driver_sql("COMMIT")
            return result

        return call


def in_memory() -> Stores:
    """Stores on fresh tables."""
    return memory.stores_on(memory.Tables())


@contextlib.contextmanager
def on_sqlite(folder: Path) -> Iterator[Stores]:
    """Stores on a fresh database file."""
    database = engine.open_database(f"sqlite:///{folder}/mapping.db")
    try:
        migrations.upgrade(database, MIGRATIONS)
        connection = database.writer_connection()
        bare = sql_storage.stores_on(connection)
        names = ("mappings", "handlers", "leases", "dead_letters", "audit")
        wrapped: Any = {name: _Transactions(connection, getattr(bare, name)) for name in names}
        yield Stores(**wrapped)
    finally:
        database.close()


def a_handler(name: str = "bill", **fields: Any) -> Handler:
    """A handler that nobody serves."""
    return Handler(**{"handler_name": name, "endpoint": "127.0.0.1:1", "create_millis": NOW, **fields})


def a_mapping(mapping_id: str = "m-1", **fields: Any) -> EventSourceMapping:
    """A mapping of streams/orders to bill."""
    defaults: dict[str, Any] = {
        "mapping_id": mapping_id,
        "event_source": "streams/orders",
        "handler_name": "bill",
        "starting_position": StartingPosition.TRIM_HORIZON,
        "policy": Policy(),
        "create_millis": NOW,
        "modified_millis": NOW,
    }
    return EventSourceMapping(**{**defaults, **fields})


def a_start(stream_id: str = "stream-1", *, checkpoint: int = 0) -> ResolvedStart:
    """A start in two shards."""
    leases = tuple(NewLease(shard_id=shard_id, checkpoint=checkpoint) for shard_id in SHARDS)
    return ResolvedStart(stream_id=stream_id, leases=leases)


def a_mapping_with_leases(stores: Stores, mapping_id: str = "m-1") -> EventSourceMapping:
    """A stored mapping of which two shards are unowned."""
    with contextlib.suppress(Exception):
        stores.handlers.register(a_handler())
    mapping = a_mapping(mapping_id, event_source=f"streams/{mapping_id}")
    return stores.mappings.create(mapping, start=a_start())


def taken(stores: Stores, worker_id: str, *, shard_id: str = SHARDS[0], mapping_id: str = "m-1") -> Lease:
    """The lease of a shard, taken from whoever has it."""
    stores.leases.heartbeat(worker_id)
    row = stores.leases.read(mapping_id, shard_id)
    assert row is not None
    counter = stores.leases.counters().get(row.owner) if row.owner else None
    take = Take(mapping_id=mapping_id, shard_id=shard_id, seen_owner=row.owner, seen_counter=counter)
    lease = stores.leases.take(take, worker_id=worker_id)
    assert lease is not None
    return lease


def a_write(lease: Lease, checkpoint: int, **fields: Any) -> CheckpointWrite:
    """A checkpoint of a lease's owner."""
    assert lease.owner is not None
    key = {"mapping_id": lease.mapping_id, "shard_id": lease.shard_id, "owner": lease.owner, "epoch": lease.epoch}
    return CheckpointWrite(**{**key, "checkpoint": checkpoint, "state": None, **fields})


def a_dead_letter(number: int = 1, **fields: Any) -> DeadLetter:
    """A discarded batch of one record."""
    letter = DeadLetter(
        dead_letter_id=f"d-{number}",
        mapping_id="m-1",
        shard_id=SHARDS[0],
        shard_index=0,
        first=number,
        last=number,
        count=1,
        condition=Condition.RETRY_ATTEMPTS_EXHAUSTED,
        attempts=3,
        last_error="INTERNAL: no",
        payload=b"record",
        create_millis=NOW + number,
    )
    return replace(letter, **fields)
