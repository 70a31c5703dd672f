"""One group of works, one transaction: begin, transact, commit, and what each kind of failure means for the group."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import sqlalchemy
import structlog

from chassis.database import faults
from chassis.database.session import Session
from chassis.errors import DataLoss, OutcomeUnknown, StorageFull, Unavailable

_log = structlog.get_logger(__name__)

RUNS_MAX = 20
"""Times that a group is run which met changes of other processes; each time one of them got further."""


class Work(Protocol):
    """A request to write, a value. One that has a true `frees_space` is let through on a full disk (rule L8)."""

    @property
    def size_bytes(self) -> int:
        """What it counts against the bytes that may wait, and against the bound of a commit."""

    @property
    def record_count(self) -> int:
        """How many records it counts against the bound of a commit."""


_NOBODYS = (faults.Fault.BUSY, faults.Fault.LOST, faults.Fault.AGAIN)
"""What no work of a group is to blame for, so that it would not help to run them one by one."""

Transact = Callable[[sqlalchemy.Connection, Sequence[Work]], Sequence[object]]
"""Writes the works in the open transaction; one result for each, in order. A DomainError as a result is raised for that
caller alone; an exception rolls all of them back. It may run again after a rollback."""


class Housekeeper(Protocol):
    """Looks after the file between commits. Called on the writer's thread only."""

    def is_disk_full(self) -> bool:
        """Whether only works that free space may be written now."""

    def on_disk_full(self) -> None:
        """The disk refused a write: make room for works that free space."""

    def after_commit(self, connection: sqlalchemy.Connection) -> bool:
        """A commit is done and its callers are told; keep the file in shape. Whether to call again if nobody waits."""


class Meter(Protocol):
    """Is told of each commit. Called on the writer's thread only; it must be quick."""

    def committed(self, *, requests: int, size_bytes: int, seconds: float) -> None:
        """So many requests are on disk; the COMMIT took so long."""


class NoMeter:
    """Counts nothing."""

    def committed(self, *, requests: int, size_bytes: int, seconds: float) -> None:
        """Do nothing."""


class NoHousekeeping:
    """Lets the file be."""

    def is_disk_full(self) -> bool:
        """Never, as far as this one knows."""
        return False

    def on_disk_full(self) -> None:
        """Do nothing."""

    def after_commit(self, connection: sqlalchemy.Connection) -> bool:
        """Do nothing."""
        return False


class Fatal(Exception):
    """What is on disk is unknown until it is read again: the connection and the process must not go on."""


class RolledBack(Exception):
    """The transaction did not happen; `answer` is what a caller is told that was alone in it."""

    def __init__(self, fault: faults.Fault, answer: BaseException) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.answer = answer


class Transactions:
    """Runs groups of works on the one connection that writes. Used by the writer's thread only."""

    def __init__(
        self,
        session: Session,
        transact: Transact,
        *,
        housekeeper: Housekeeper,
        on_rolled_back: Callable[[], None] | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Transactions are begun and ended here and nowhere else."""
        self._session = session
        self._connection: sqlalchemy.Connection | None = None
        self._transact = transact
        self._housekeeper = housekeeper
        self._on_rolled_back = on_rolled_back
        self._meter = meter or NoMeter()

    def run(self, works: Sequence[Work]) -> Sequence[object]:
        """Write the works; one result or exception for each, in order. Raises Fatal if the outcome is unknown."""
        if self._housekeeper.is_disk_full():
            return [self._run_if_freeing(work) for work in works]
        try:
            return self._commit_in_the_end(works)
        except RolledBack as failure:
            return self._run_again(works, failure)

    def keep_house(self) -> bool:
        """Let the housekeeper work between two commits; whether it has more to do.

        Raises Fatal if the file cannot be trusted any more.
        """
        try:
            return self._housekeeper.after_commit(self._connection) if self._connection is not None else False
        except (sqlalchemy.exc.DBAPIError, sqlite3.Error) as error:
            # A script runs past SQLAlchemy, so its errors come as the driver's own.
            fault = faults.classify(error)
            if fault is faults.Fault.FATAL:
                raise Fatal(f"keeping the database in shape failed: {faults.name(error)}") from error
            _log.warning("housekeeping_failed", error=faults.name(error))
            return False

    def _run_again(self, works: Sequence[Work], failure: RolledBack) -> Sequence[object]:
        """After a rollback: what frees space on a full disk, nobody while the database is busy, else one by one."""
        if failure.fault is faults.Fault.FULL:
            self._housekeeper.on_disk_full()
            return [self._run_if_freeing(work) for work in works]
        if failure.fault in _NOBODYS or len(works) == 1:
            return [failure.answer] * len(works)
        return [self._run_alone(work) for work in works]

    def _run_if_freeing(self, work: Work) -> object:
        return self._run_alone(work) if getattr(work, "frees_space", False) else StorageFull()

    def _run_alone(self, work: Work) -> object:
        try:
            return self._commit((work,))[0]
        except RolledBack as failure:
            return failure.answer

    def _commit_in_the_end(self, works: Sequence[Work]) -> Sequence[object]:
        """Run a group again that met what other processes did at the same time. One process alone never does."""
        for _ in range(RUNS_MAX - 1):
            try:
                return self._commit(works)
            except RolledBack as failure:
                if failure.fault is not faults.Fault.AGAIN:
                    raise
        return self._commit(works)

    def _commit(self, works: Sequence[Work]) -> Sequence[object]:
        try:
            self._connection = self._session.begin()
            results = self._transact(self._connection, works)
            assert len(results) == len(works), "transact answers each work once"
        except Exception as error:
            raise self._roll_back(error) from error
        begun = time.perf_counter()
        try:
            self._session.commit()
        except OutcomeUnknown:
            self._forget()
            return [OutcomeUnknown() for _ in works]
        except sqlalchemy.exc.DBAPIError as error:
            if faults.classify(error) in (faults.Fault.FULL, faults.Fault.AGAIN):
                raise self._roll_back(error) from error
            raise Fatal(f"COMMIT failed: {faults.name(error)}") from error
        self._meter.committed(
            requests=len(works),
            size_bytes=sum([work.size_bytes for work in works]),
            seconds=time.perf_counter() - begun,
        )
        return results

    def _roll_back(self, cause: Exception) -> RolledBack:
        """Undo the open transaction, if there is one. Raises Fatal if the cause or the undoing says so."""
        fault = faults.classify(cause)
        if fault is faults.Fault.FATAL:
            raise Fatal(f"writing failed: {faults.name(cause)}") from cause
        try:
            self._session.roll_back()
        except sqlalchemy.exc.DBAPIError as error:
            raise Fatal(f"ROLLBACK failed: {faults.name(error)}") from error
        self._forget()
        return RolledBack(fault, _answer(fault, cause))

    def _forget(self) -> None:
        if self._on_rolled_back is not None:
            self._on_rolled_back()


def _answer(fault: faults.Fault, cause: Exception) -> BaseException:
    match fault:
        case faults.Fault.FULL:
            return StorageFull()
        case faults.Fault.BUSY:
            return Unavailable("another process keeps the database locked")
        case faults.Fault.AGAIN:
            return Unavailable("other processes change the same streams at the same time")
        case faults.Fault.LOST:
            _log.warning("database_lost", error=faults.name(cause))
            return Unavailable("the database cannot be reached")
        case faults.Fault.DAMAGED:
            _log.error("stored_data_damaged", error=faults.name(cause))
            return DataLoss()
        case _:
            return cause
