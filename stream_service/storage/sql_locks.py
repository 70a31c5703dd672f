"""What several services on one database must not do at once, and how they wait for each other (rules L1, L3, L6).

Locks are taken in one order, so that no two services wait for each other:

    changes of streams, one at a time  ->  producers, by number  ->  shards, by key

All last until the end of the transaction. A shard's numbers are given while its row is held, and PostgreSQL shows a
commit before it lets the row go: so the order of numbers is the order in which readers see them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import sqlalchemy as sa

from stream_service.core.idempotency import Producer

CHANGES_LOCK = 7_410_002
"""The advisory lock of changes of streams."""

PRODUCERS_LOCK = 7_411_000_000
PRODUCER_LOCKS = 1_024
"""Producers share these advisory locks, as a server has room for some thousands only."""

_TAILS = (
    "SELECT shard.key, shard.last, shard.next_index, shard.is_open, stream.etag FROM shard "
    "JOIN stream ON stream.key = shard.stream_key WHERE shard.key = ANY(?::bigint[]) "
    "ORDER BY shard.key FOR NO KEY UPDATE OF shard"
)
_OPEN = "SELECT key FROM shard WHERE stream_key = ? AND is_open ORDER BY key FOR NO KEY UPDATE"
_SOME = "SELECT key FROM shard WHERE key = ANY(?::bigint[]) ORDER BY key FOR NO KEY UPDATE"


class TailRow(NamedTuple):
    """The end of a shard, held until the transaction ends, and the version of its stream's settings."""

    key: int
    last: int
    next_index: int
    is_open: bool
    etag: str


class Locks(Protocol):
    """Keeps several services apart. Each waits in the open transaction."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes write, so that what was remembered has to be looked up again."""

    def hold_changes(self, connection: sa.Connection) -> None:
        """Change streams and their shards as the only one."""

    def try_changes(self, connection: sa.Connection) -> bool:
        """The same, without waiting; whether nobody else does."""

    def hold_producers(self, connection: sa.Connection, producers: Iterable[Producer]) -> None:
        """Look for numbers of these producers, and store them, as the only one."""

    def hold_tails(self, connection: sa.Connection, keys: Sequence[int]) -> Sequence[TailRow]:
        """Hold shards, whose keys rise; those that are there, as they are now."""

    def hold_stream(self, connection: sa.Connection, stream_key: int) -> None:
        """Hold the open shards of a stream."""

    def hold_shards(self, connection: sa.Connection, keys: Sequence[int]) -> None:
        """Hold shards, whose keys rise."""


class OneWriter:
    """One process writes, with one connection: nobody else is there (SQLite)."""

    is_shared = False

    def hold_changes(self, connection: sa.Connection) -> None:
        """Nobody else changes anything."""

    def try_changes(self, connection: sa.Connection) -> bool:
        """Nobody else changes anything."""
        return True

    def hold_producers(self, connection: sa.Connection, producers: Iterable[Producer]) -> None:
        """Nobody else stores anything."""

    def hold_tails(self, connection: sa.Connection, keys: Sequence[int]) -> Sequence[TailRow]:
        """What is remembered is true."""
        return ()

    def hold_stream(self, connection: sa.Connection, stream_key: int) -> None:
        """Nobody else writes."""

    def hold_shards(self, connection: sa.Connection, keys: Sequence[int]) -> None:
        """Nobody else writes."""


class ManyWriters:
    """Several processes write (PostgreSQL)."""

    is_shared = True

    def hold_changes(self, connection: sa.Connection) -> None:
        """See Locks."""
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(?)", (CHANGES_LOCK,)).close()

    def try_changes(self, connection: sa.Connection) -> bool:
        """See Locks."""
        row = connection.exec_driver_sql("SELECT pg_try_advisory_xact_lock(?)", (CHANGES_LOCK,)).one()
        return bool(row[0])

    def hold_producers(self, connection: sa.Connection, producers: Iterable[Producer]) -> None:
        """See Locks."""
        locks = sorted({PRODUCERS_LOCK + _place(producer) for producer in producers})
        if locks:
            # Elements of an array come in its order.
            text = "SELECT pg_advisory_xact_lock(place) FROM unnest(?::bigint[]) AS place"
            connection.exec_driver_sql(text, (locks,)).close()

    def hold_tails(self, connection: sa.Connection, keys: Sequence[int]) -> Sequence[TailRow]:
        """See Locks."""
        return [TailRow(*row) for row in connection.exec_driver_sql(_TAILS, (list(keys),)).fetchall()]

    def hold_stream(self, connection: sa.Connection, stream_key: int) -> None:
        """See Locks."""
        connection.exec_driver_sql(_OPEN, (stream_key,)).close()

    def hold_shards(self, connection: sa.Connection, keys: Sequence[int]) -> None:
        """See Locks."""
        connection.exec_driver_sql(_SOME, (list(keys),)).close()


def _place(producer: Producer) -> int:
    return zlib.crc32(producer[1], producer[0] & 0xFFFFFFFF) % PRODUCER_LOCKS
