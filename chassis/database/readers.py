"""Reads on threads, each on a snapshot: what the event loop awaits instead of blocking."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import sqlalchemy

from chassis.database import faults
from chassis.database.session import Database
from chassis.errors import DataLoss, Unavailable

T = TypeVar("T")


class Readers:
    """As many threads as the database has reading connections."""

    def __init__(self, database: Database, *, on_fatal: Callable[[str], None]) -> None:
        """`on_fatal` is called on the loop when shared memory or the disk fails; it must end the process."""
        self._database = database
        self._on_fatal = on_fatal
        self._threads = ThreadPoolExecutor(database.reader_count, thread_name_prefix="reader")

    async def run(self, read: Callable[[sqlalchemy.Connection], T]) -> T:
        """Call `read` on a thread with a connection on one snapshot; its result.

        Raises what it raises; DataLoss if stored data cannot be read, Unavailable if the database cannot be.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._read, read)
        except sqlalchemy.exc.DBAPIError as error:
            raise self._refusal(error) from error

    def close(self) -> None:
        """End the threads after the reads that they are at."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _read(self, read: Callable[[sqlalchemy.Connection], T]) -> T:
        with self._database.reading() as connection:
            return read(connection)

    def _refusal(self, error: sqlalchemy.exc.DBAPIError) -> Exception:
        match faults.classify(error):
            case faults.Fault.DAMAGED:
                return DataLoss()
            case faults.Fault.FATAL:
                self._on_fatal(f"reading failed: {faults.name(error)}")
                return Unavailable()
            case faults.Fault.BUSY | faults.Fault.AGAIN:
                return Unavailable("another process keeps the database locked")
            case faults.Fault.LOST:
                return Unavailable("the database cannot be reached")
            case _:
                return error
