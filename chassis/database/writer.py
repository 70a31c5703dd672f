"""Group commit: one thread writes, and whatever waits is one transaction (rules L5, L8, D4).

    callers on the loop          the writer's thread                      the loop again
    submit -> queue        ->    take all that waits, up to the bound
                                 BEGIN, transact, COMMIT             ->   readers are told, then the callers

Promises: a caller gets its result only after the COMMIT that holds it, and readers are told before it. There is no
timer: while one commit syncs, the next one gathers. A transaction that is known to be rolled back is run again request
by request, so that one bad request fails alone. An error from COMMIT means that nobody knows: callers get
OutcomeUnknown, and with SQLite the process must end and recover from disk.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy

from chassis.database import transaction
from chassis.database.session import Session, SqliteSession
from chassis.database.transaction import Housekeeper, Meter, NoHousekeeping, Transact, Work
from chassis.errors import OutcomeUnknown, Overloaded, Unavailable

MIB = 1024 * 1024

OnCommitted = Callable[[Sequence[Work], Sequence[object]], None]
"""Told on the loop, before the callers, of the works of one group and their results (errors among them)."""

_Entry = tuple[Work, asyncio.Future[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterBounds:
    """How much a commit holds (at least one work) and how much may wait."""

    commit_bytes: int = 8 * MIB
    commit_records: int = 10_000
    waiting_bytes: int = 64 * MIB


class Writer:
    """The one who writes to a database. Made and used on an event loop; its thread is its own."""

    def __init__(
        self,
        connect: Callable[[], sqlalchemy.Connection | Session],
        transact: Transact,
        *,
        on_committed: OnCommitted,
        on_fatal: Callable[[str], None],
        bounds: WriterBounds | None = None,
        housekeeper: Housekeeper | None = None,
        on_rolled_back: Callable[[], None] | None = None,
    ) -> None:
        """`connect` gives a connection to SQLite, or a session.

        `on_committed` and `on_fatal` are called on the loop, `transact` and `on_rolled_back` on the writer's thread.

        `on_rolled_back` comes after each rollback: forget what the transaction cached. After `on_fatal` nothing is
        written any more; it must end the process with a code other than 0.
        """
        self._connect = connect
        self._transact = transact
        self._on_committed = on_committed
        self._on_fatal = on_fatal
        self._bounds = bounds or WriterBounds()
        self._housekeeper = housekeeper or NoHousekeeping()
        self._on_rolled_back = on_rolled_back
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._carried: _Entry | None = None
        self._is_open = False
        self._is_ending = False
        self._waiting_bytes = 0

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the works that were submitted and are not answered."""
        return self._waiting_bytes

    def start(self, loop: asyncio.AbstractEventLoop, *, meter: Meter | None = None) -> None:
        """Connect and start the thread, which tells the meter of each commit. Once."""
        self._loop = loop
        connected = self._connect()
        self._transactions = transaction.Transactions(
            connected if isinstance(connected, Session) else SqliteSession(connected),
            self._transact,
            housekeeper=self._housekeeper,
            on_rolled_back=self._on_rolled_back,
            meter=meter,
        )
        self._ended: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._is_open = True
        self._thread.start()

    async def stop(self) -> None:
        """Refuse new works, write those that wait, end the thread. The connection stays open. May be called again."""
        if self._is_open:
            self._is_open = False
            self._queue.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    def submit(self, work: Work) -> asyncio.Future[object]:
        """Await what this returns for the work's result, which is on disk then.

        Raises the work's own DomainError; Overloaded, StorageFull or Unavailable if nothing was written; OutcomeUnknown
        if nobody knows. A work whose caller gives up before it is taken is not written.
        """
        if not self._is_open:
            raise Unavailable
        waiting_bytes = self._waiting_bytes + work.size_bytes
        if waiting_bytes > self._bounds.waiting_bytes:
            raise Overloaded(waiting_bytes=waiting_bytes, waiting_bytes_max=self._bounds.waiting_bytes)
        future: asyncio.Future[object] = self._loop.create_future()
        self._waiting_bytes = waiting_bytes
        self._queue.put((work, future))
        return future

    def _run(self) -> None:
        """The thread: commits until it is told to stop, or until the disk cannot be trusted any more."""
        try:
            while not self._is_ending:
                self._run_once()
        except transaction.Fatal as fatal:
            self._loop.call_soon_threadsafe(self._fail, str(fatal))
        except Exception as error:
            self._loop.call_soon_threadsafe(self._fail, f"the writer's thread failed: {type(error).__name__}")
        self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _run_once(self) -> None:
        """Wait for works, write them as one group, have their callers told."""
        taken = self._take()
        taken_bytes = sum([work.size_bytes for work, _ in taken])
        entries = [entry for entry in taken if not entry[1].cancelled()]
        works = [work for work, _ in entries]
        try:
            results = self._transactions.run(works) if works else ()
        except Exception:
            unknown = [OutcomeUnknown() for _ in works]
            self._loop.call_soon_threadsafe(self._complete, entries, unknown, taken_bytes)
            raise
        self._loop.call_soon_threadsafe(self._complete, entries, results, taken_bytes)
        while not self._is_ending and self._transactions.keep_house() and not self._has_waiting():
            pass

    def _has_waiting(self) -> bool:
        return self._carried is not None or not self._queue.empty()

    def _take(self) -> list[_Entry]:
        """All that waits, up to the bound of a commit; waits for the first. Empty when told to stop."""
        taken: list[_Entry] = []
        size_bytes = records = 0
        entry = self._carried or self._queue.get()
        self._carried = None
        while entry is not None:
            size_bytes += entry[0].size_bytes
            records += entry[0].record_count
            if taken and (size_bytes > self._bounds.commit_bytes or records > self._bounds.commit_records):
                self._carried = entry
                return taken
            taken.append(entry)
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return taken
        self._is_ending = True
        return taken

    def _complete(self, entries: list[_Entry], results: Sequence[object], taken_bytes: int) -> None:
        """On the loop: tell the readers, then the callers."""
        self._waiting_bytes -= taken_bytes
        try:
            if entries:
                self._on_committed([work for work, _ in entries], results)
        finally:
            for (_, future), result in zip(entries, results, strict=True):
                _answer(future, result)

    def _fail(self, problem: str) -> None:
        """On the loop, after the callers know: refuse the rest, which was not tried, and have the process end."""
        self._is_open = False
        left = [self._carried]
        while not self._queue.empty():
            left.append(self._queue.get_nowait())
        for entry in left:
            if entry is not None:
                self._waiting_bytes -= entry[0].size_bytes
                _answer(entry[1], Unavailable())
        self._on_fatal(problem)


def _answer(future: asyncio.Future[object], result: object) -> None:
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
