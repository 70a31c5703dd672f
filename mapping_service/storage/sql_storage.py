"""Storage on SQL: changes go through the one writer, and those that wait together are one commit."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import sqlalchemy

from chassis.database.readers import Readers
from chassis.database.transaction import Work
from chassis.database.writer import Writer
from chassis.errors import DomainError
from mapping_service.core.lease import CheckpointWrite
from mapping_service.storage.sql_audit import SqlAuditLog
from mapping_service.storage.sql_dead_letters import SqlDeadLetters
from mapping_service.storage.sql_handlers import SqlHandlers
from mapping_service.storage.sql_leases import SqlLeases
from mapping_service.storage.sql_mappings import SqlMappings
from mapping_service.stores import Stores

T = TypeVar("T")

CHANGE_BYTES = 4096
"""What a small change is counted as."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A change as the writer takes it."""

    run: Callable[[Stores], object]
    frees_space: bool = False
    size_bytes: int = CHANGE_BYTES
    record_count: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A checkpoint as the writer takes it."""

    write: CheckpointWrite
    size_bytes: int
    record_count: int = 1
    frees_space: bool = False


class SqlStorage:
    """See Storage for the promises."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    async def read(self, query: Callable[[Stores], T]) -> T:
        """See Storage."""
        return await self._readers.run(lambda connection: query(stores_on(connection)))

    async def write(self, change: Callable[[Stores], T], *, frees_space: bool = False) -> T:
        """See Storage."""
        return cast("T", await self._writer.submit(Change(change, frees_space)))

    def checkpoint(self, write: CheckpointWrite) -> Awaitable[object]:
        """See Storage."""
        size_bytes = CHANGE_BYTES + sum(len(each.payload) for each in write.dead_letters)
        return self._writer.submit(Checkpoint(write, size_bytes))


def stores_on(connection: sqlalchemy.Connection) -> Stores:
    """All stores on a connection whose transaction somebody else ends."""
    return Stores(
        mappings=SqlMappings(connection),
        handlers=SqlHandlers(connection),
        leases=SqlLeases(connection),
        dead_letters=SqlDeadLetters(connection),
        audit=SqlAuditLog(connection),
    )


def transact(connection: sqlalchemy.Connection, works: Sequence[Work]) -> Sequence[object]:
    """Write a group in the open transaction; for the writer."""
    stores = stores_on(connection)
    return [_run(connection, stores, work) for work in works]


def _run(connection: sqlalchemy.Connection, stores: Stores, work: Work) -> object:
    try:
        if isinstance(work, Checkpoint):
            # It refuses before it writes, so it needs no savepoint.
            stores.leases.checkpoint(work.write)
            return None
        assert isinstance(work, Change)
        return _run_change(connection, stores, work)
    except DomainError as refused:
        return refused


def _run_change(connection: sqlalchemy.Connection, stores: Stores, change: Change) -> object:
    connection.exec_driver_sql("SAVEPOINT change")
    try:
        result = change.run(stores)
    except DomainError:
        connection.exec_driver_sql("ROLLBACK TO change")
        connection.exec_driver_sql("RELEASE change")
        raise
    connection.exec_driver_sql("RELEASE change")
    return result
