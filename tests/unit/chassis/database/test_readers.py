import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy

from chassis import errors
from chassis.database import engine, readers


def failing_with(code: int) -> sqlalchemy.exc.OperationalError:
    original = sqlite3.OperationalError("driver text")
    original.sqlite_errorcode = code  # type: ignore[misc]
    original.sqlite_errorname = "SQLITE_SOMETHING"  # type: ignore[misc]
    return sqlalchemy.exc.OperationalError("SELECT", None, original)


async def outcome(folder: Path, code: int) -> tuple[BaseException | int, list[str]]:
    database, fatal = engine.open_database(f"sqlite:///{folder}/a.db"), list[str]()
    made = readers.Readers(database, on_fatal=fatal.append)

    def read(connection: sqlalchemy.Connection) -> int:
        if code:
            raise failing_with(code)
        return int(connection.exec_driver_sql("SELECT 42").scalar_one())

    results = await asyncio.gather(made.run(read), return_exceptions=True)
    made.close()
    database.close()
    return results[0], fatal


@pytest.mark.asyncio
async def test_a_read_runs_on_a_snapshot_away_from_the_loop(tmp_path: Path) -> None:
    assert await outcome(tmp_path, 0) == (42, [])


@pytest.mark.asyncio
async def test_L8_stored_data_that_cannot_be_read_concerns_that_read_only(tmp_path: Path) -> None:
    result, fatal = await outcome(tmp_path, sqlite3.SQLITE_IOERR_READ)

    assert isinstance(result, errors.DataLoss)
    assert fatal == []


@pytest.mark.asyncio
async def test_L8_shared_memory_that_fails_ends_the_process(tmp_path: Path) -> None:
    result, fatal = await outcome(tmp_path, sqlite3.SQLITE_IOERR_SHMMAP)

    assert isinstance(result, errors.Unavailable)
    assert fatal == ["reading failed: SQLITE_SOMETHING"]
