"""Rule L8 on a real full disk: a small one in memory, which only root may make."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy

from chassis import errors
from chassis.database import engine, maintenance, writer
from chassis.database.transaction import Work
from tests.support.clock import FakeClock

MIB = 1024 * 1024
DISK_BYTES = 48 * MIB


@dataclass(frozen=True)
class Put:
    number: int
    size_bytes: int = MIB
    record_count: int = 1
    frees_space: bool = False


@dataclass(frozen=True)
class Trim:
    up_to: int
    size_bytes: int = 0
    record_count: int = 0
    frees_space: bool = True


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def transact(connection: sqlalchemy.Connection, works: Sequence[Work]) -> list[object]:
    for work in works:
        if isinstance(work, Trim):
            connection.exec_driver_sql("DELETE FROM t WHERE number <= ?", (work.up_to,))
        elif isinstance(work, Put):
            connection.exec_driver_sql("INSERT INTO t VALUES (?, zeroblob(?))", (work.number, MIB))
    return [None] * len(works)


@asynccontextmanager
async def a_service(disk: Path, clock: FakeClock) -> AsyncIterator[tuple[engine.Database, writer.Writer]]:
    database, fatal = engine.open_database(f"sqlite:///{disk}/a.db"), list[str]()
    database.writer_connection().exec_driver_sql("CREATE TABLE IF NOT EXISTS t (number INTEGER PRIMARY KEY, a BLOB)")
    made = writer.Writer(
        database.writer_connection,
        transact,
        on_committed=lambda works, results: None,
        on_fatal=fatal.append,
        housekeeper=maintenance.Maintenance(database, monotonic=clock.monotonic),
    )
    made.start(asyncio.get_running_loop())
    try:
        yield database, made
        await made.stop()
        database.close()
    finally:
        assert fatal == []


async def fill(made: writer.Writer) -> int:
    """Put until the disk is full; the last number that was stored."""
    number = 0
    while True:
        try:
            await made.submit(Put(number + 1))
        except errors.StorageFull:
            return number
        number += 1


def take_the_rest(disk: Path) -> None:
    """Somebody else fills the disk to its last page."""
    page = b"x" * 4096
    with (disk / "taken").open("wb", buffering=0) as other, contextlib.suppress(OSError):
        while other.write(page):
            pass


def numbers(database: engine.Database) -> list[int]:
    with database.reading() as connection:
        return list(connection.exec_driver_sql("SELECT number FROM t ORDER BY number").scalars())


@pytest.mark.asyncio
async def test_L8_a_full_disk_refuses_puts_and_lets_reads_and_trimming_through(small_disk: Path) -> None:
    clock = FakeClock()
    async with a_service(small_disk, clock) as (database, made):
        last = await fill(made)
        assert last > 8
        assert numbers(database) == list(range(1, last + 1))
        with pytest.raises(errors.StorageFull):
            await made.submit(Put(last + 1))

        for up_to in range(1, last + 1):
            await made.submit(Trim(up_to))
            clock.advance(maintenance.RESTORE_PAUSE_SECONDS)

        assert numbers(database) == []
        await made.submit(Put(last + 1))
        assert database.reserve.is_held
        assert numbers(database) == [last + 1]


@pytest.mark.asyncio
async def test_L8_without_the_reserve_a_full_disk_cannot_be_emptied(small_disk: Path) -> None:
    async with a_service(small_disk, FakeClock()) as (_, made):
        await fill(made)
        take_the_rest(small_disk)
        with pytest.raises(errors.StorageFull):
            await made.submit(Trim(1))


@pytest.mark.asyncio
async def test_L8_a_service_starts_on_a_full_disk(small_disk: Path) -> None:
    clock = FakeClock()
    async with a_service(small_disk, clock):
        pass
    take_the_rest(small_disk)

    async with a_service(small_disk, clock) as (database, made):
        await made.submit(Trim(1))
        assert numbers(database) == []
