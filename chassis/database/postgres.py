"""Opens a PostgreSQL database, which several processes may share (decision 33).

One connection writes, a few read snapshots. Each is made again when it was lost. `synchronous_commit`, `fsync` and
`full_page_writes` are read back, as one of them off means that acknowledged is not on disk. Statements are written with
`?` as for SQLite. All connections are in driver autocommit: BEGIN, COMMIT and ROLLBACK are statements of ours.
"""

import contextlib
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
import sqlalchemy
from psycopg.pq import Format, TransactionStatus
from sqlalchemy.pool import NullPool

from chassis.database import faults
from chassis.database.engine import READERS_DEFAULT, DatabaseRefused
from chassis.database.server_clock import ServerClock
from chassis.errors import OutcomeUnknown

CONNECT_SECONDS = 5
"""How long connecting may take. Writes wait for it, and are refused then."""

STARTING_LOCK = 7_410_001
"""The advisory lock of who changes the schema or makes the first rows; others wait for it."""

STARTING_SECONDS = 60
"""How long a process waits at its start for another one that is changing the schema."""

SETTINGS = {
    # Of a process that is stopped within a transaction: its locks would stop all others.
    "idle_in_transaction_session_timeout": "10s",
    # A statement that waits longer for another process is refused, and its callers try again.
    "lock_timeout": "5s",
}
"""What each connection sets."""

_DURABLE = {"synchronous_commit": ("on", "remote_apply"), "fsync": ("on",), "full_page_writes": ("on",)}
_WRITE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS unix_millis"
)
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 15_000}
_OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR, TransactionStatus.ACTIVE)


class BinaryCursor(psycopg.Cursor[Any]):
    """Takes results in binary, half as many bytes for records."""

    def __init__(self, connection: Any, *, row_factory: Any = None) -> None:
        super().__init__(connection, row_factory=row_factory) if row_factory else super().__init__(connection)
        self.format = Format.BINARY


class PostgresSession:
    """Transactions on one connection, which is made when needed. Used by one thread at a time (session.Session)."""

    def __init__(self, engine: sqlalchemy.Engine, *, clock: ServerClock | None = None) -> None:
        """With a clock it writes, and tells the clock the server's time at each BEGIN; otherwise it reads."""
        self._engine = engine
        self._clock = clock
        self._connection: sqlalchemy.Connection | None = None
        self._driver: psycopg.Connection[Any] | None = None

    def connection(self) -> sqlalchemy.Connection:
        """The connection, made anew if there is none."""
        if self._connection is None:
            self._connection, self._driver = connect(self._engine)
        return self._connection

    @property
    def backend_pid(self) -> int | None:
        """The server's process for this connection; None while there is no connection."""
        driver = self._driver
        return None if driver is None or driver.closed else driver.info.backend_pid

    def begin(self) -> sqlalchemy.Connection:
        """See Session. A connection that the server closed while it was idle is replaced."""
        try:
            return self._begin()
        except sqlalchemy.exc.DBAPIError as error:
            self._drop()
            if faults.classify(error) is not faults.Fault.LOST:
                raise
        return self._begin()

    def commit(self) -> None:
        """See Session."""
        assert self._driver is not None, "a transaction was begun"
        try:
            done = psycopg.Cursor(self._driver).execute("COMMIT").statusmessage
        except psycopg.Error as error:
            if faults.classify(error) in (faults.Fault.AGAIN, faults.Fault.FULL):
                raise sqlalchemy.exc.OperationalError("COMMIT", None, error) from error
            self._drop()
            raise OutcomeUnknown from error
        assert done == "COMMIT", "a transaction in which a statement failed is rolled back by us, not by COMMIT"

    def roll_back(self) -> None:
        """See Session. Where it fails the connection is given up, and the server rolls back."""
        if self._driver is None:
            return
        try:
            if self._driver.info.transaction_status in _OPEN:
                psycopg.Cursor(self._driver).execute("ROLLBACK")
        except psycopg.Error:
            self._drop()
            return
        if self._driver.closed:
            self._drop()

    def close(self) -> None:
        """Close the connection."""
        self._drop()

    def _begin(self) -> sqlalchemy.Connection:
        connection = self.connection()
        assert self._driver is not None, "it was just connected"
        # A cursor of its own, as several statements at a time have no binary results.
        cursor = psycopg.Cursor(self._driver)
        try:
            cursor.execute(_READ if self._clock is None else _WRITE)
        except psycopg.Error as error:
            raise sqlalchemy.exc.OperationalError("BEGIN", None, error) from error
        if self._clock is not None and cursor.nextset():
            row = cursor.fetchone()
            assert row is not None, "a SELECT without FROM has a row"
            self._clock.told(row[0])
        return connection

    def _drop(self) -> None:
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError, psycopg.Error):
                connection.invalidate()
                connection.close()


class PostgresDatabase:
    """An open database (session.Database). Made by `open_database`."""

    def __init__(self, url: sqlalchemy.URL, *, readers: int = READERS_DEFAULT) -> None:
        self.url = url
        self.clock = ServerClock()
        self._engine = _engine(url)
        self._session = PostgresSession(self._engine, clock=self.clock)
        self._readers = [PostgresSession(self._engine) for _ in range(readers)]
        self._idle_readers: queue.SimpleQueue[PostgresSession] = queue.SimpleQueue()
        for reader in self._readers:
            self._idle_readers.put(reader)

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def reader_count(self) -> int:
        """How many may read at a time."""
        return len(self._readers)

    def session(self) -> PostgresSession:
        """The one session that writes. Used by one thread at a time."""
        return self._session

    def writer_connection(self) -> sqlalchemy.Connection:
        """The connection that writes, in driver autocommit. Used by one thread at a time."""
        return self._session.connection()

    @contextmanager
    def reading(self) -> Iterator[sqlalchemy.Connection]:
        """A connection on one snapshot for the length of the block. Waits while all of them are taken."""
        session = self._idle_readers.get()
        try:
            connection = session.begin()
            try:
                yield connection
            finally:
                session.roll_back()
        finally:
            self._idle_readers.put(session)

    @contextmanager
    def alone(self) -> Iterator[sqlalchemy.Connection]:
        """A transaction of the writing connection, one at a time among all processes; undone if the block raises."""
        connection = self._session.begin()
        try:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{STARTING_SECONDS}s'")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(?)", (STARTING_LOCK,)).close()
            yield connection
        except BaseException:
            self._session.roll_back()
            raise
        self._session.commit()

    def close(self) -> None:
        """Close all connections."""
        for session in (*self._readers, self._session):
            session.close()
        self._engine.dispose()


def open_database(url: str, *, readers: int = READERS_DEFAULT) -> PostgresDatabase:
    """Open `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`.

    Raises DatabaseRefused if the URL is not such a one, the server cannot be reached, or does not keep what it commits.
    """
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        raise DatabaseRefused(
            "the database URL is not one; an example: postgresql+psycopg://USER@HOST/DATABASE"
        ) from error
    if parsed.drivername != "postgresql+psycopg" or not parsed.database:
        raise DatabaseRefused(
            "the database URL must be like postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, "
            f"with that driver and a database; it is {parsed.render_as_string(hide_password=True)}"
        )
    database = PostgresDatabase(parsed, readers=readers)
    try:
        with database.alone():
            pass
    except (sqlalchemy.exc.DBAPIError, OutcomeUnknown) as error:
        database.close()
        raise DatabaseRefused(f"the database {database.name} cannot be opened: {_reason(error)}") from error
    except DatabaseRefused:
        database.close()
        raise
    return database


def connect(engine: sqlalchemy.Engine) -> tuple[sqlalchemy.Connection, psycopg.Connection[Any]]:
    """One connection, and the driver's behind it. Raises DatabaseRefused if what is committed there may get lost."""
    connection = engine.connect()
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    try:
        for name, value in SETTINGS.items():
            connection.exec_driver_sql(f"SET {name} = '{value}'")
        for name, good in _DURABLE.items():
            found = connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            if found not in good and name == "synchronous_commit":
                connection.exec_driver_sql("SET synchronous_commit = on")
                found = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
            if found not in good:
                raise DatabaseRefused(
                    f"the server has {name} = {found}, with which acknowledged records may get lost; set it to on"
                )
    except BaseException:
        connection.invalidate()
        connection.close()
        raise
    return connection, driver


def driver_arguments(url: sqlalchemy.URL) -> dict[str, Any]:
    """What psycopg connects with."""
    arguments = dict(url.get_dialect()().create_connect_args(url)[1])
    arguments.pop("context", None)
    given = {"fallback_application_name": "millrace", "connect_timeout": CONNECT_SECONDS, **_KEEPALIVES}
    return {**given, **arguments, "autocommit": True}


def _engine(url: sqlalchemy.URL) -> sqlalchemy.Engine:
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**driver_arguments(url), cursor_factory=BinaryCursor),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        # A record's bytes never appear in an error or a log.
        hide_parameters=True,
    )
    sqlalchemy.event.listen(engine, "before_cursor_execute", _with_marks, retval=True)
    return engine


def _with_marks(_connection: Any, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool) -> Any:
    return statement if context.compiled is not None else _in_psycopg(statement), parameters


@lru_cache(maxsize=256)
def _in_psycopg(statement: str) -> str:
    """A statement of ours, where `?` stands for a value."""
    return statement.replace("%", "%%").replace("?", "%s")


def _reason(error: BaseException) -> str:
    """The first line of what the driver says: the host and why, never a password."""
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return str(original).strip().partition("\n")[0] or faults.name(error)
