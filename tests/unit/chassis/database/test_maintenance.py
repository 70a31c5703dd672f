import errno
import itertools
import os
from pathlib import Path

from chassis.database import engine, maintenance, reserve
from chassis.database.maintenance import Maintenance
from chassis.database.reserve import Reserve
from tests.support.clock import FakeClock

MIB = 1024 * 1024


def a_database(folder: Path) -> engine.Database:
    database = engine.open_database(f"sqlite:///{folder}/a.db", readers=2)
    database.writer_connection().exec_driver_sql("CREATE TABLE t (a BLOB)")
    return database


def fill(database: engine.Database, mib: int) -> None:
    for _ in range(mib):
        database.writer_connection().exec_driver_sql("INSERT INTO t VALUES (zeroblob(?))", (MIB,))


def wal_bytes(database: engine.Database) -> int:
    return os.stat(f"{database.path}-wal").st_size


def test_L8_a_long_wal_is_truncated(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    fill(database, 3)

    Maintenance(database, monotonic=FakeClock().monotonic, wal_bytes_max=MIB).after_commit(database.writer_connection())

    assert wal_bytes(database) == 0
    database.close()


def test_L8_a_short_wal_is_left_alone(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    size = wal_bytes(database)

    Maintenance(database, monotonic=FakeClock().monotonic, wal_bytes_max=MIB).after_commit(database.writer_connection())

    assert wal_bytes(database) == size > 0
    database.close()


def test_L8_a_reader_that_does_not_end_puts_the_truncation_off(tmp_path: Path) -> None:
    database, clock = a_database(tmp_path), FakeClock()
    housekeeper = Maintenance(database, monotonic=clock.monotonic, wal_bytes_max=MIB)
    with database.reading() as reader:
        reader.exec_driver_sql("SELECT count(*) FROM t").scalar_one()
        fill(database, 3)
        housekeeper.after_commit(database.writer_connection())
        assert wal_bytes(database) > MIB

    housekeeper.after_commit(database.writer_connection())
    assert wal_bytes(database) > MIB, "it waits before it tries again"
    clock.advance(maintenance.TRUNCATION_PAUSE_SECONDS)
    housekeeper.after_commit(database.writer_connection())
    assert wal_bytes(database) == 0
    database.close()


def test_L8_freed_pages_are_given_back_in_bounded_steps_as_long_as_there_are_many(tmp_path: Path) -> None:
    database, clock = a_database(tmp_path), FakeClock()
    housekeeper = Maintenance(database, monotonic=clock.monotonic, wal_bytes_max=MIB)
    connection = database.writer_connection()
    fill(database, 20)
    connection.exec_driver_sql("DELETE FROM t")
    free = [maintenance.free_pages(connection)]

    while housekeeper.after_commit(connection):
        free.append(maintenance.free_pages(connection))

    assert {before - after for before, after in itertools.pairwise(free)} == {maintenance.VACUUM_PAGES}
    assert maintenance.free_pages(connection) == maintenance.FREE_PAGES_KEPT
    maintenance.truncate_wal(connection)
    assert os.stat(database.path).st_size < 9 * MIB
    database.close()


def test_L8_freed_pages_are_looked_for_once_a_while(tmp_path: Path) -> None:
    database, clock = a_database(tmp_path), FakeClock()
    housekeeper = Maintenance(database, monotonic=clock.monotonic, wal_bytes_max=MIB)
    connection = database.writer_connection()
    housekeeper.after_commit(connection)
    fill(database, 20)
    connection.exec_driver_sql("DELETE FROM t")

    assert not housekeeper.after_commit(connection)
    clock.advance(maintenance.VACUUM_PAUSE_SECONDS)
    assert housekeeper.after_commit(connection)
    database.close()


def test_L8_on_a_full_disk_all_freed_pages_are_given_back_at_once(tmp_path: Path) -> None:
    database, clock = a_database(tmp_path), FakeClock()
    housekeeper = Maintenance(database, monotonic=clock.monotonic, wal_bytes_max=MIB)
    connection = database.writer_connection()
    fill(database, 2)
    connection.exec_driver_sql("DELETE FROM t")
    housekeeper.on_disk_full()

    housekeeper.after_commit(connection)

    assert maintenance.free_pages(connection) == 0
    assert wal_bytes(database) == 0
    database.close()


def test_L8_an_open_database_has_its_reserve(tmp_path: Path) -> None:
    database = a_database(tmp_path)

    assert database.reserve.is_held
    assert os.stat(tmp_path / "a.db.reserve").st_blocks * 512 >= reserve.RESERVE_BYTES
    database.close()


def test_L8_a_full_disk_gets_the_reserve_until_there_is_room_again(tmp_path: Path) -> None:
    disk = Disk()
    database, clock = a_database(tmp_path), FakeClock()
    housekeeper = Maintenance(database, monotonic=clock.monotonic, wal_bytes_max=MIB)
    database.reserve = Reserve(database.path, allocate=disk.allocate)
    database.reserve.restore()

    housekeeper.on_disk_full()
    disk.has_room = False

    assert not (tmp_path / "a.db.reserve").exists()
    clock.advance(maintenance.RESTORE_PAUSE_SECONDS)
    assert housekeeper.is_disk_full()
    assert not (tmp_path / "a.db.reserve").exists(), "a part of it would only be in the way"
    disk.has_room = True
    assert housekeeper.is_disk_full(), "it waits before it tries again"
    clock.advance(maintenance.RESTORE_PAUSE_SECONDS)
    assert not housekeeper.is_disk_full()
    assert (tmp_path / "a.db.reserve").exists()
    database.close()


class Disk:
    """A disk that has room, or has none."""

    has_room = True

    def allocate(self, descriptor: int, offset: int, length: int) -> None:
        if not self.has_room:
            raise OSError(errno.ENOSPC, "no space left on device")
        os.posix_fallocate(descriptor, offset, length)
