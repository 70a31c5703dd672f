"""Hints between processes on one PostgreSQL database that something was committed (rule D2).

NOTIFY is only a hint and carries no list: who hears it compares what he knows with what is committed. It is sent after
the COMMIT, as a transaction that notifies would wait for all others that do.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy
import structlog

from chassis.database import faults
from chassis.database.postgres import PostgresDatabase, driver_arguments
from chassis.database.server_clock import ServerClock

_log = structlog.get_logger(__name__)

CHANNEL = "millrace_stream"
CLOCK_SECONDS = 1.0
"""Between two looks at the server's clock here; each transaction that writes looks, too."""

_CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


class Notifier:
    """The housekeeper of a writer to PostgreSQL (transaction.Housekeeper): it has only others to tell."""

    def is_disk_full(self) -> bool:
        """The server says so at each write."""
        return False

    def on_disk_full(self) -> None:
        """There is nothing that this process could give up."""

    def after_commit(self, connection: sqlalchemy.Connection) -> bool:
        """Tell the other processes, unless the connection was lost; then they look by themselves within a second."""
        if not connection.closed:
            connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
        return False


class Hints:
    """Hears of other processes' commits, on a connection of its own. Used on the event loop."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._arguments = driver_arguments(database.url)
        self._own_pid: Callable[[], int | None] = lambda: database.session().backend_pid
        self._clock: ServerClock = database.clock
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._ask_at = 0.0

    async def wait(self, seconds: float) -> bool:
        """Wait for a hint, at most so long; True at once after each connecting, as hints may have been missed.

        False where there was none, or the server cannot be reached.
        """
        try:
            async with asyncio.timeout(seconds + 1.0):
                return await self._wait(seconds)
        except (psycopg.Error, TimeoutError) as error:
            _log.warning("hints_lost", error=faults.name(error))
            await self.close()
            # The next attempt connects again, but not at once.
            await asyncio.sleep(seconds)
            return False

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _wait(self, seconds: float) -> bool:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(**self._arguments)
            await self._connection.execute(f"LISTEN {CHANNEL}".encode())
            return True
        now = time.monotonic()
        deadline = now + seconds
        if now >= self._ask_at:
            self._ask_at = now + CLOCK_SECONDS
            row = await (await self._connection.execute(_CLOCK.encode())).fetchone()
            assert row is not None, "a SELECT without FROM has a row"
            self._clock.told(row[0])
        while (left := deadline - time.monotonic()) > 0:
            heard = [each.pid async for each in self._connection.notifies(timeout=left, stop_after=1)]
            if any(pid != self._own_pid() for pid in heard):
                return True
        return False
