"""What an error of the database means for those who wait, and for the process (rule L8).

FULL        a refusal: the transaction is rolled back, callers are told, the service goes on
BUSY        another process holds the write lock (a shell, a backup): try again later
DAMAGED     something stored cannot be read: it concerns the request that needs it, not the others
FATAL       writing, syncing or shared memory failed: what is on disk is unknown until it is read again,
            so the process ends and the next one recovers from the files
OTHER       the statement failed and nothing else did
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
    OTHER = "other"


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


def classify(error: BaseException) -> Fault:
    """What an error of the driver (wrapped by SQLAlchemy or not) or of the system means. All else is OTHER."""
    if isinstance(error, OSError):
        return Fault.FULL if error.errno in NO_ROOM else Fault.OTHER
    code = _error_code(error)
    if code is None:
        return Fault.OTHER
    if code in _READ_FAILURES:
        return Fault.DAMAGED
    return _PRIMARY.get(code & 0xFF, Fault.OTHER)


def name(error: BaseException) -> str:
    """SQLite's name of the error (`SQLITE_IOERR_FSYNC`), else the exception's: safe to show, without any data."""
    original = _original(error)
    return getattr(original, "sqlite_errorname", None) or type(original).__name__


def _error_code(error: BaseException) -> int | None:
    code = getattr(_original(error), "sqlite_errorcode", None)
    return code if isinstance(code, int) else None


def _original(error: BaseException) -> BaseException:
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        return error.orig
    return error
