from pathlib import Path

import pytest
import sqlalchemy

from chassis.database import engine, lock_file
from chassis.errors import StartRefused


def pragma(connection: sqlalchemy.Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_decision_1_what_is_acknowledged_is_on_disk_by_every_connection(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")
    writer = database.writer_connection()

    assert [pragma(writer, name) for name in ("journal_mode", "synchronous")] == ["wal", 2]
    with database.reading() as reader:
        assert [pragma(reader, name) for name in ("journal_mode", "synchronous")] == ["wal", 2]
    database.close()


def test_decision_1_only_the_writer_writes_and_checkpoints(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")

    assert pragma(database.writer_connection(), "wal_autocheckpoint") == 1000
    with database.reading() as reader:
        assert pragma(reader, "wal_autocheckpoint") == 0
        with pytest.raises(sqlalchemy.exc.OperationalError, match="readonly"):
            reader.exec_driver_sql("CREATE TABLE t (a)")
    database.close()


def test_decision_1_a_pragma_that_reads_back_wrong_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(engine.DatabaseRefused, match="synchronous = 2 where 3 was set"):
        engine.connect(tmp_path / "a.db", {"synchronous": ("FULL", 3)})


def test_decision_1_a_journal_mode_that_stays_another_stops_the_start() -> None:
    # A database in memory takes the statement without an error and keeps its own mode, as a failing disk does.
    with pytest.raises(engine.DatabaseRefused, match="journal_mode = 'memory' where 'wal' was set"):
        engine.connect(Path(":memory:"), engine.WRITER_PRAGMAS)


def test_L8_freed_pages_can_be_given_back_and_deletes_do_not_write_what_they_delete(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")

    assert pragma(database.writer_connection(), "auto_vacuum") == 2
    assert pragma(database.writer_connection(), "secure_delete") == 0
    database.close()


def test_the_folder_of_the_database_is_made(tmp_path: Path) -> None:
    engine.open_database(f"sqlite:///{tmp_path}/new/folder/a.db").close()

    assert (tmp_path / "new/folder/a.db").exists()


def test_a_reader_sees_one_snapshot(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")
    writer = database.writer_connection()
    writer.exec_driver_sql("CREATE TABLE t (a)")

    with database.reading() as reader:
        before = reader.exec_driver_sql("SELECT count(*) FROM t").scalar_one()
        writer.exec_driver_sql("INSERT INTO t VALUES (1)")
        after = reader.exec_driver_sql("SELECT count(*) FROM t").scalar_one()
    with database.reading() as reader:
        later = reader.exec_driver_sql("SELECT count(*) FROM t").scalar_one()

    assert (before, after, later) == (0, 0, 1)
    database.close()


def test_readers_are_held_only_if_all_of_them_end_in_time(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db", readers=2)

    with database.reading(), database.readers_held(timeout_seconds=0) as held:
        assert not held
    with database.readers_held(timeout_seconds=0) as held:
        assert held
    with database.reading(), database.reading():
        pass
    database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("postgresql+psycopg://localhost/a", "postgresql are not supported by this version", id="postgres"),
        pytest.param("sqlite://", "names no file", id="memory"),
        pytest.param("sqlite:///:memory:", "names no file", id="named memory"),
        pytest.param("nonsense", "is not one", id="no url"),
        pytest.param("sqlite:////proc/none/a.db", "cannot be opened", id="no folder"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused_with_the_reason(url: str, message: str) -> None:
    with pytest.raises(StartRefused, match=message):
        engine.open_database(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"something else entirely, " * 100)

    with pytest.raises(engine.DatabaseRefused, match="SQLITE_NOTADB"):
        engine.open_database(f"sqlite:///{tmp_path}/a.db")


def test_a_second_opener_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    first = engine.open_database(url)

    with pytest.raises(lock_file.DatabaseInUse, match=r"in use by process \d+") as refused:
        engine.open_database(url)

    assert refused.value.exit_code == 5
    first.close()
    engine.open_database(url).close()


def test_a_link_to_the_database_is_the_same_database(tmp_path: Path) -> None:
    first = engine.open_database(f"sqlite:///{tmp_path}/a.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "a.db")

    with pytest.raises(lock_file.DatabaseInUse):
        engine.open_database(f"sqlite:///{tmp_path}/link.db")
    first.close()


def test_parameters_never_appear_in_errors(tmp_path: Path) -> None:
    database = engine.open_database(f"sqlite:///{tmp_path}/a.db")

    with pytest.raises(sqlalchemy.exc.OperationalError) as failed:
        database.writer_connection().exec_driver_sql("INSERT INTO missing VALUES (?)", ("secret",))

    assert "secret" not in str(failed.value)
    database.close()
