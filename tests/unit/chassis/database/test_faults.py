import errno
import sqlite3

import pytest
import sqlalchemy

from chassis.database import faults
from chassis.database.faults import Fault


def a_driver_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("driver text")
    error.sqlite_errorcode = code  # type: ignore[misc]
    error.sqlite_errorname = "SQLITE_SOMETHING"  # type: ignore[misc]
    return error


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_FULL, Fault.FULL),
        (sqlite3.SQLITE_BUSY, Fault.BUSY),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Fault.BUSY),
        (sqlite3.SQLITE_CORRUPT, Fault.DAMAGED),
        (sqlite3.SQLITE_CORRUPT_INDEX, Fault.DAMAGED),
        (sqlite3.SQLITE_IOERR_READ, Fault.DAMAGED),
        (sqlite3.SQLITE_IOERR_SHORT_READ, Fault.DAMAGED),
        (sqlite3.SQLITE_IOERR_WRITE, Fault.FATAL),
        (sqlite3.SQLITE_IOERR_FSYNC, Fault.FATAL),
        (sqlite3.SQLITE_IOERR_SHMMAP, Fault.FATAL),
        (sqlite3.SQLITE_IOERR_TRUNCATE, Fault.FATAL),
        (sqlite3.SQLITE_READONLY, Fault.FATAL),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Fault.OTHER),
        (sqlite3.SQLITE_ERROR, Fault.OTHER),
    ],
)
def test_L8_each_error_of_the_driver_has_its_meaning(code: int, fault: Fault) -> None:
    original = a_driver_error(code)

    assert faults.classify(original) is fault
    assert faults.classify(sqlalchemy.exc.OperationalError("SELECT", None, original)) is fault


def test_a_file_that_cannot_grow_is_a_full_disk() -> None:
    assert faults.classify(OSError(errno.ENOSPC, "no space")) is Fault.FULL
    assert faults.classify(OSError(errno.EACCES, "no")) is Fault.OTHER


def test_an_error_of_the_program_is_none_of_the_database() -> None:
    assert faults.classify(KeyError("a")) is Fault.OTHER


def test_the_name_of_an_error_holds_no_data() -> None:
    wrapped = sqlalchemy.exc.OperationalError("INSERT", ("secret",), a_driver_error(sqlite3.SQLITE_FULL))

    assert faults.name(wrapped) == "SQLITE_SOMETHING"
    assert faults.name(KeyError("secret")) == "KeyError"
