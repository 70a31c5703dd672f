"""Opens a database file so that acknowledged means on disk, or refuses to (decision 1).

One connection writes and checkpoints the WAL; the others are `query_only` and read snapshots. `journal_mode` and
`synchronous` are set and read back on every connection, because setting them can fail in silence. All connections are
in driver autocommit: BEGIN, COMMIT and ROLLBACK are statements of ours, so that it is plain where a transaction is.
"""

import queue
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy
from sqlalchemy.pool import NullPool

from chassis.database import faults
from chassis.database.lock_file import LockFile
from chassis.database.reserve import Reserve
from chassis.errors import StartRefused

T = TypeVar("T")

READERS_DEFAULT = 4
"""Reading connections. Python runs one thread at a time; more would only wait for each other."""

BUSY_TIMEOUT_SECONDS = 5.0
"""How long a statement waits for another process, such as a shell or a backup."""

Pragmas = dict[str, tuple[str, object]]

WRITER_PRAGMAS: Pragmas = {
    # Before the first table, and before WAL writes the first page.
    "auto_vacuum": ("INCREMENTAL", 2),
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),
    # Debian's SQLite has it on, and then a delete writes all that it deletes.
    "secure_delete": ("OFF", 0),
    # The default. A larger WAL doubles the latency of commits and makes checkpoints stall.
    "wal_autocheckpoint": ("1000", 1000),
}
"""What the writing connection sets, and what it must read back."""

READER_PRAGMAS: Pragmas = {
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),
    # The writer alone checkpoints: SQLite's WAL-reset bug needs a second party.
    "wal_autocheckpoint": ("0", 0),
    "query_only": ("ON", 1),
}
"""What a reading connection sets, and what it must read back."""


class DatabaseRefused(StartRefused):
    """The database cannot be used."""


class Database:
    """An open database file, locked for this process. Made by `open_database`."""

    def __init__(self, path: Path, lock: LockFile, *, reserve: Reserve, readers: int = READERS_DEFAULT) -> None:
        self.path = path
        self.reserve = reserve
        self._lock = lock
        self._writer = connect(path, WRITER_PRAGMAS)
        self._readers = [connect(path, READER_PRAGMAS) for _ in range(readers)]
        self._idle_readers: queue.SimpleQueue[sqlalchemy.Connection] = queue.SimpleQueue()
        for reader in self._readers:
            self._idle_readers.put(reader)

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    @property
    def reader_count(self) -> int:
        """How many may read at a time."""
        return len(self._readers)

    def writer_connection(self) -> sqlalchemy.Connection:
        """The one connection that writes, in driver autocommit. Used by one thread at a time."""
        return self._writer

    @contextmanager
    def reading(self) -> Iterator[sqlalchemy.Connection]:
        """A connection on one snapshot for the length of the block. Waits while all of them are taken."""
        connection = self._idle_readers.get()
        try:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")
        finally:
            self._idle_readers.put(connection)

    @contextmanager
    def alone(self) -> Iterator[sqlalchemy.Connection]:
        """A transaction of the writing connection for the length of the block; undone if it raises."""
        self._writer.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield self._writer
        except BaseException:
            self._writer.exec_driver_sql("ROLLBACK")
            raise
        self._writer.exec_driver_sql("COMMIT")

    @contextmanager
    def readers_held(self, *, timeout_seconds: float) -> Iterator[bool]:
        """Nobody reads for the length of the block. Yields False, holding nobody, if a reader does not end in time."""
        deadline = time.monotonic() + timeout_seconds
        held: list[sqlalchemy.Connection] = []
        try:
            while len(held) < len(self._readers):
                held.append(self._idle_readers.get(timeout=max(0.0, deadline - time.monotonic())))
        except queue.Empty:
            self._give_back(held)
        try:
            yield len(held) == len(self._readers)
        finally:
            self._give_back(held)

    def close(self) -> None:
        """Close all connections, the writer's last as it then cleans the WAL, and give the lock back."""
        for reader in self._readers:
            reader.close()
            reader.engine.dispose()
        self._writer.close()
        self._writer.engine.dispose()
        self._lock.release()

    def _give_back(self, held: list[sqlalchemy.Connection]) -> None:
        while held:
            self._idle_readers.put(held.pop())


def open_database(url: str, *, readers: int = READERS_DEFAULT) -> Database:
    """Open `sqlite:///path`, making its folder; one process at a time.

    Raises DatabaseRefused if the URL or the file cannot be used, DatabaseInUse if another process has it open.
    """
    path = _path_of(url)
    lock, reserve = _claim(path)
    try:
        database = _with_room(reserve, lambda: Database(path, lock, reserve=reserve, readers=readers))
    except sqlalchemy.exc.DBAPIError as error:
        lock.release()
        raise DatabaseRefused(f"the database {path} cannot be opened: {faults.name(error)}: {error.orig}") from error
    except (sqlite3.Error, OSError) as error:
        lock.release()
        raise DatabaseRefused(f"the database {path} cannot be opened: {faults.name(error)}: {error}") from error
    except StartRefused:
        lock.release()
        raise
    reserve.restore()
    return database


def connect(path: Path, pragmas: Pragmas) -> sqlalchemy.Connection:
    """One connection to the file with these pragmas. Raises DatabaseRefused if one reads back wrong."""
    engine = sqlalchemy.create_engine(
        "sqlite+pysqlite://",
        creator=lambda: _driver_connection(path, pragmas),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        # A record's bytes never appear in an error or a log.
        hide_parameters=True,
    )
    return engine.connect()


def _driver_connection(path: Path, pragmas: Pragmas) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        for name, (value, expected) in pragmas.items():
            connection.execute(f"PRAGMA {name} = {value}").fetchall()
            row = connection.execute(f"PRAGMA {name}").fetchone()
            if row is None or row[0] != expected:
                found = None if row is None else row[0]
                raise DatabaseRefused(f"the database {path} has {name} = {found!r} where {expected!r} was set")
    except BaseException:
        connection.close()
        raise
    return connection


def _path_of(url: str) -> Path:
    try:
        parsed = sqlalchemy.make_url(url)
    except sqlalchemy.exc.ArgumentError as error:
        raise DatabaseRefused("the database URL is not one; an example: sqlite:///data/stream.db") from error
    if parsed.get_backend_name() != "sqlite":
        raise DatabaseRefused(
            f"databases of the kind {parsed.get_backend_name()} are not supported by this version; use sqlite:///PATH"
        )
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise DatabaseRefused("the database URL names no file; an example: sqlite:///data/stream.db")
    return Path(parsed.database).expanduser().resolve()


def _claim(path: Path) -> tuple[LockFile, Reserve]:
    lock, reserve = LockFile(path), Reserve(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _with_room(reserve, lock.acquire)
    except OSError as error:
        raise DatabaseRefused(f"the database {path} cannot be opened: {error.strerror}") from error
    return lock, reserve


def _with_room(reserve: Reserve, attempt: Callable[[], T]) -> T:
    """Try; if there seems to be no room, give the reserve up and try again.

    A full disk keeps SQLite from making its shared memory, and that looks like any failure to write.
    """
    try:
        return attempt()
    except (OSError, sqlite3.Error, sqlalchemy.exc.DBAPIError) as error:
        if faults.classify(error) not in (faults.Fault.FULL, faults.Fault.FATAL):
            raise
        reserve.release()
        return attempt()
