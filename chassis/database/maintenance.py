"""Keeps the file in shape between commits: the WAL short, freed pages given back, the reserve in place (rule L8)."""

import os
from collections.abc import Callable
from pathlib import Path

import sqlalchemy
import structlog

from chassis.database.engine import Database

_log = structlog.get_logger(__name__)

WAL_BYTES_MAX = 16 * 1024 * 1024
"""Above this the readers are held and the WAL is truncated; busy readers let it grow to all that was ever written."""

READERS_HELD_SECONDS = 0.2
"""How long a truncation waits for readers to end. Then it is tried again later; nobody waits longer for it."""

WAL_LOOK_SECONDS = 0.02
"""Between two looks at the WAL's size, which cost small commits a twentieth of their time."""

TRUNCATION_PAUSE_SECONDS = 1.0
"""Between a truncation that did not get through and the next attempt."""

VACUUM_PAGES = 1_000
"""Pages given back in one step: 4 MB, a few milliseconds in which nobody writes."""

FREE_PAGES_KEPT = 2_000
"""Freed pages that stay in the file, as the next records need them: giving back and growing again costs twice."""

VACUUM_PAUSE_SECONDS = 1.0
"""Between two looks for freed pages: asking costs a statement."""

RESTORE_PAUSE_SECONDS = 1.0
"""Between two attempts to get the reserve back."""


class Maintenance:
    """The housekeeper of a writer (transaction.Housekeeper). Used on the writer's thread."""

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float], wal_bytes_max: int = WAL_BYTES_MAX
    ) -> None:
        """`monotonic` gives seconds and never goes back. A smaller WAL is for tests."""
        self._wal_bytes_max = wal_bytes_max
        self._database = database
        self._wal = Path(f"{database.path}-wal")
        self._monotonic = monotonic
        self._restore_at = 0.0
        self._truncate_at = 0.0
        self._vacuum_at = 0.0

    def is_disk_full(self) -> bool:
        """Whether the reserve is given up and there is no room yet to keep it back again."""
        reserve = self._database.reserve
        if reserve.is_held:
            return False
        if self._monotonic() < self._restore_at:
            return True
        self._restore_at = self._monotonic() + RESTORE_PAUSE_SECONDS
        if reserve.restore():
            _log.info("disk_has_room_again")
        return not reserve.is_held

    def on_disk_full(self) -> None:
        """Give the reserve up, for works that free space."""
        if self._database.reserve.is_held:
            _log.error("disk_full", database=str(self._database.path))
        self._database.reserve.release()
        self._restore_at = self._monotonic() + RESTORE_PAUSE_SECONDS

    def after_commit(self, connection: sqlalchemy.Connection) -> bool:
        """Truncate a long WAL; now and then, and always while the disk is full, give freed pages back.

        Returns whether there is more to give back: call again when nothing waits.
        """
        is_full = not self._database.reserve.is_held
        now = self._monotonic()
        has_more = False
        if is_full or now >= self._vacuum_at:
            has_more = self._vacuum(connection, kept=0 if is_full else FREE_PAGES_KEPT)
            self._vacuum_at = now if has_more else now + VACUUM_PAUSE_SECONDS
        if is_full or self._is_wal_long(now):
            self._truncate(connection)
        return has_more

    def _is_wal_long(self, now: float) -> bool:
        if now < self._truncate_at:
            return False
        self._truncate_at = now + WAL_LOOK_SECONDS
        return self._wal_bytes() > self._wal_bytes_max

    def _vacuum(self, connection: sqlalchemy.Connection, *, kept: int) -> bool:
        surplus = free_pages(connection) - kept
        if surplus > 0:
            give_back(connection, pages=min(surplus, VACUUM_PAGES))
        return surplus > VACUUM_PAGES

    def _truncate(self, connection: sqlalchemy.Connection) -> None:
        with self._database.readers_held(timeout_seconds=READERS_HELD_SECONDS) as held:
            if held and truncate_wal(connection):
                return
        self._truncate_at = self._monotonic() + TRUNCATION_PAUSE_SECONDS
        _log.warning("wal_not_truncated", wal_bytes=self._wal_bytes())

    def _wal_bytes(self) -> int:
        try:
            return os.stat(self._wal).st_size
        except FileNotFoundError:
            return 0


def truncate_wal(connection: sqlalchemy.Connection) -> bool:
    """Move all of the WAL into the database and empty it. Returns whether that worked; readers can stand in its way."""
    row = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    return bool(row[0] == 0)


def give_back(connection: sqlalchemy.Connection, *, pages: int) -> None:
    """Give freed pages at the end of the file back to the disk, at most so many."""
    # Through the statement API of the driver the pragma frees one page only: it steps once.
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.executescript(f"PRAGMA incremental_vacuum({pages})")


def free_pages(connection: sqlalchemy.Connection) -> int:
    """How many pages of the file hold nothing."""
    return int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())
