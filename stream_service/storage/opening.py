"""What a stream service stands on: a SQLite file of its own, or PostgreSQL, which it may share with others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from chassis import clock as clocks
from chassis.database import engine, faults, maintenance, migrations
from chassis.database.session import Database, Session
from chassis.database.transaction import Housekeeper
from stream_service.core.ports import Clock, Hints
from stream_service.storage import sql_locks

MIGRATIONS = Path(__file__).parent / "migrations"
_NOT_ALLOWED = "42501"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A database with the tables of this version, and what comes with its kind."""

    database: Database
    connect: Callable[[], sa.Connection | Session]
    """What the writer writes with."""
    clock: Clock
    """The one clock of all services on the database (rule C1)."""
    locks: sql_locks.Locks
    housekeeper: Housekeeper
    hints: Hints | None
    """None where no other service can be there."""
    is_disk_full: Callable[[], bool]


def open_database(url: str) -> Opened:
    """Open a database, and bring its tables to this version.

    Raises DatabaseRefused if it cannot be used, DatabaseInUse if it is a file that another process has open.
    """
    opened = _on_postgres(url) if url.startswith("postgres") else _on_sqlite(url)
    try:
        migrations.upgrade(opened.database, MIGRATIONS)
    except sa.exc.DBAPIError as error:
        opened.database.close()
        advice = ""
        if getattr(error.orig, "sqlstate", None) == _NOT_ALLOWED:
            advice = "; its user must be allowed to create tables: make it the owner of the database"
        raise engine.DatabaseRefused(
            f"the tables of the database {opened.database.name} cannot be made: {faults.name(error)}{advice}"
        ) from error
    return opened


def _on_sqlite(url: str) -> Opened:
    database = engine.open_database(url)
    return Opened(
        database=database,
        connect=database.writer_connection,
        clock=clocks.SystemClock(),
        locks=sql_locks.OneWriter(),
        housekeeper=maintenance.Maintenance(database, monotonic=time.monotonic),
        hints=None,
        is_disk_full=lambda: not database.reserve.is_held,
    )


def _on_postgres(url: str) -> Opened:
    try:
        from chassis.database import hints, postgres
    except ImportError as error:
        raise engine.DatabaseRefused(
            "PostgreSQL needs the extra `postgres`: install millrace[services,postgres]"
        ) from error
    database = postgres.open_database(url)
    return Opened(
        database=database,
        connect=database.session,
        clock=database.clock,
        locks=sql_locks.ManyWriters(),
        housekeeper=hints.Notifier(),
        hints=hints.Hints(database),
        is_disk_full=lambda: False,
    )
