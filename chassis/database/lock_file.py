"""One process per database file: a lock on a file beside it.

The lock is not on the database file itself: closing any descriptor of that file drops every POSIX lock that the
process holds on it, SQLite's among them. The kernel ends a lock with its process: a kill leaves nothing to clean up.
"""

import fcntl
import os
from pathlib import Path
from typing import ClassVar

from chassis.errors import StartRefused


class DatabaseInUse(StartRefused):
    """Another process has the database open."""

    exit_code: ClassVar[int] = 5


class LockFile:
    """Holds the lock of a database file until `release`, or until the process ends."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._database = database
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock now. Raises DatabaseInUse if another process has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise DatabaseInUse(
                f"the database {self._database} is in use by process {holder}, which holds {self._path.name}; "
                "one process may have it open: stop that one, or give this one another database"
            ) from taken
        self._descriptor = descriptor
        self._sign()

    def release(self) -> None:
        """Give the lock back. Does nothing if it is not held. The file stays: removing it would let two hold it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _sign(self) -> None:
        assert self._descriptor is not None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        except OSError:
            # On a full disk the lock holds all the same; only its note for people is missing.
            return
