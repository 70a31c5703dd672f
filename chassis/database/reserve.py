"""A file that keeps space back, so that a full disk can be emptied (rule L8).

On a disk without a free page even DELETE and the checkpoint of the WAL fail: they write before they free. So space for
more than one commit lies in a file of its own. When the disk is full it is given up, which lets deletes and trimming
through and nothing else; when there is room again the file comes back, and writing goes on.
"""

import os
from collections.abc import Callable
from pathlib import Path

from chassis.database import faults

RESERVE_BYTES = 16 * 1024 * 1024
"""Twice the largest commit: its frames in the WAL, and their way into the database."""


class Reserve:
    """Space kept back beside a database file. Used by one thread at a time."""

    def __init__(
        self,
        database: Path,
        *,
        size_bytes: int = RESERVE_BYTES,
        allocate: Callable[[int, int, int], None] = os.posix_fallocate,
    ) -> None:
        """`allocate` takes disk space for a descriptor, from an offset on, or raises OSError."""
        self._allocate = allocate
        self._path = database.with_name(database.name + ".reserve")
        self._size_bytes = size_bytes
        self.is_held = False

    def restore(self) -> bool:
        """Keep the space back again. Returns whether there was room for all of it; takes nothing otherwise."""
        descriptor = -1
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._allocate(descriptor, 0, self._size_bytes)
            self.is_held = True
        except OSError as error:
            if faults.classify(error) is not faults.Fault.FULL:
                raise
            self.release()
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return self.is_held

    def release(self) -> None:
        """Give the space to whoever needs it now. Does nothing if it is not kept."""
        self._path.unlink(missing_ok=True)
        self.is_held = False
