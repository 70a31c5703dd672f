"""What a writer and readers need of a database, whichever it is: SQLite (engine.py) or PostgreSQL (postgres.py)."""

from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

import sqlalchemy


@runtime_checkable
class Session(Protocol):
    """The one connection of a process that writes. Used by one thread at a time."""

    def begin(self) -> sqlalchemy.Connection:
        """Open a transaction; the connection that it is on. Connects again if the connection was lost."""

    def commit(self) -> None:
        """Make the transaction last. Raises OutcomeUnknown if nobody knows, and the next one may begin all the same.

        Any other error says that it did not happen (faults.classify), or that the process must not go on.
        """

    def roll_back(self) -> None:
        """Undo the open transaction, if there is one."""


class Database(Protocol):
    """An open database."""

    @property
    def name(self) -> str:
        """What people call it: a path, or a URL without its password."""

    @property
    def reader_count(self) -> int:
        """How many may read at a time."""

    def writer_connection(self) -> sqlalchemy.Connection:
        """The one connection that writes, in driver autocommit. Used by one thread at a time."""

    def reading(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """A connection on one snapshot for the length of the block. Waits while all of them are taken."""

    def alone(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """A transaction on the writing connection that no other process has such a one beside; for starting."""

    def close(self) -> None:
        """Close all connections."""


class SqliteSession:
    """Transactions on a SQLite connection in driver autocommit."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def begin(self) -> sqlalchemy.Connection:
        """Take the write lock."""
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        return self._connection

    def commit(self) -> None:
        """See Session. An error other than a full disk means that the process must not go on."""
        self._connection.exec_driver_sql("COMMIT")

    def roll_back(self) -> None:
        """SQLite has rolled back by itself after some errors; then there is nothing to end."""
        if getattr(self._connection.connection.driver_connection, "in_transaction", True):
            self._connection.exec_driver_sql("ROLLBACK")
