"""What an error of the database means for those who wait, and for the process (rule L8).

FULL        a refusal: the transaction is rolled back, callers are told, the service goes on
BUSY        another process holds the write lock (a shell, a backup): try again later
DAMAGED     something stored cannot be read: it concerns the request that needs it, not the others
FATAL       writing, syncing or shared memory failed: what is on disk is unknown until it is read again,
            so the process ends and the next one recovers from the files
LOST        the connection to the database is gone: nothing was written, and the next attempt connects again
AGAIN       another process was in the way and is not any more: run the whole transaction again
OTHER       the statement failed and nothing else did

SQLite's files belong to this process, so that what happens to them ends it. PostgreSQL looks after its own: LOST and
AGAIN come from there alone, and FATAL never does.
"""

import enum
import errno
import sqlite3

import sqlalchemy


class Fault(enum.Enum):
    """What an error of the database means (the module says more)."""

    FULL = "full"
    BUSY = "busy"
    DAMAGED = "damaged"
    FATAL = "fatal"
    LOST = "lost"
    AGAIN = "again"
    OTHER = "other"


class RunAgain(Exception):
    """Raised in a transaction: what it took from memory is old, as another process changed it. Run it again."""


NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when a file cannot grow."""

_READ_FAILURES = frozenset(
    {
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_SHORT_READ,
        sqlite3.SQLITE_IOERR_CORRUPTFS,
    }
)
_PRIMARY = {
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED,
    sqlite3.SQLITE_IOERR: Fault.FATAL,
    sqlite3.SQLITE_PROTOCOL: Fault.FATAL,
    sqlite3.SQLITE_READONLY: Fault.FATAL,
    sqlite3.SQLITE_CANTOPEN: Fault.FATAL,
    sqlite3.SQLITE_NOMEM: Fault.FATAL,
}

_SQLSTATES = {
    "40001": Fault.AGAIN,  # serialization_failure
    "40P01": Fault.AGAIN,  # deadlock_detected
    "53100": Fault.FULL,  # disk_full
    "53200": Fault.BUSY,  # out_of_memory, of locks too
    "55P03": Fault.BUSY,  # lock_not_available
    "57014": Fault.BUSY,  # query_canceled
    "58030": Fault.DAMAGED,  # io_error
    "XX001": Fault.DAMAGED,  # data_corrupted
    "XX002": Fault.DAMAGED,  # index_corrupted
    "25006": Fault.LOST,  # read_only_sql_transaction: the server is a standby by now
    "25P03": Fault.LOST,  # idle_in_transaction_session_timeout
    "53300": Fault.LOST,  # too_many_connections
    "57P01": Fault.LOST,  # admin_shutdown
    "57P02": Fault.LOST,  # crash_shutdown
    "57P03": Fault.LOST,  # cannot_connect_now
    "57P05": Fault.LOST,  # idle_session_timeout
}
_CONNECTION_CLASS = "08"


def classify(error: BaseException) -> Fault:
    """What an error of the driver (wrapped by SQLAlchemy or not) or of the system means. All else is OTHER."""
    if isinstance(error, OSError):
        return Fault.FULL if error.errno in NO_ROOM else Fault.OTHER
    if isinstance(error, RunAgain):
        return Fault.AGAIN
    original = _original(error)
    if hasattr(original, "sqlstate"):
        return _of_postgres(original)
    code = _error_code(error)
    if code is None:
        return Fault.OTHER
    if code in _READ_FAILURES:
        return Fault.DAMAGED
    return _PRIMARY.get(code & 0xFF, Fault.OTHER)


def name(error: BaseException) -> str:
    """SQLite's name of the error (`SQLITE_IOERR_FSYNC`), else the exception's: safe to show, without any data."""
    original = _original(error)
    sqlstate = getattr(original, "sqlstate", None)
    named = getattr(original, "sqlite_errorname", None) or type(original).__name__
    return f"{named} {sqlstate}" if sqlstate else str(named)


def _of_postgres(original: BaseException) -> Fault:
    """By SQLSTATE. The driver's own OperationalError has none: the connection broke, or there was none to be had."""
    sqlstate = getattr(original, "sqlstate", None)
    if sqlstate is None:
        return Fault.LOST if type(original).__name__ in ("OperationalError", "ConnectionTimeout") else Fault.OTHER
    if sqlstate.startswith(_CONNECTION_CLASS):
        return Fault.LOST
    return _SQLSTATES.get(sqlstate, Fault.OTHER)


def _error_code(error: BaseException) -> int | None:
    code = getattr(_original(error), "sqlite_errorcode", None)
    return code if isinstance(code, int) else None


def _original(error: BaseException) -> BaseException:
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        return error.orig
    return error
