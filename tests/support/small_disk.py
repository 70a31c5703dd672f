"""A small file system in memory, for what happens on a full disk. Root may mount one; elsewhere tests are skipped."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MIB = 1024 * 1024
FILLER = "taken"


@contextlib.contextmanager
def mounted(folder: Path, *, size_bytes: int) -> Iterator[Path]:
    """The folder as a disk of that size for the length of the block. Skips the test where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a file system cannot be mounted here; root may")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def take_the_rest(disk: Path) -> None:
    """Somebody else fills the disk to its last page."""
    page = b"x" * 4096
    with (disk / FILLER).open("ab", buffering=0) as other, contextlib.suppress(OSError):
        while other.write(page):
            pass


def take(disk: Path, size_bytes: int) -> bool:
    """Somebody else takes so much more; whether there was room for all of it, otherwise for nothing."""
    with (disk / FILLER).open("ab") as other:
        end = other.tell()
        try:
            os.posix_fallocate(other.fileno(), end, size_bytes)
        except OSError:
            other.truncate(end)
            return False
    return True


def give_it_back(disk: Path) -> None:
    """Somebody else's file is gone."""
    (disk / FILLER).unlink()
