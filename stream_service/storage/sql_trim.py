"""Trimming and purging on SQL, in bounded passes (rules C2, D5, L8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from stream_service.core import reckoning, sequence, works
from stream_service.core.idempotency import KEPT_MILLIS
from stream_service.storage import sql_producers
from stream_service.storage.sql_locks import Locks

SEGMENTS_MAX = 256
"""Segments that one pass deletes at most, so that puts wait for a fraction of a second at worst."""

BYTES_MAX = 16 << 20
"""Of one shard's segments that one pass deletes, but at least one segment: freeing a page costs a look at it."""

STREAMS_MAX = 1_000
"""Deleted streams that one pass looks at, and closed shards that it forgets, at most."""

_OLD = (
    "SELECT shard.key, stream.horizon_millis FROM shard JOIN stream ON stream.key = shard.stream_key "
    "WHERE NOT stream.is_deleted AND shard.horizon < shard.last AND shard.horizon < stream.horizon_millis * 1048576 "
    "AND EXISTS (SELECT 1 FROM segment WHERE shard_key = shard.key AND last < stream.horizon_millis * 1048576) "
    "ORDER BY shard.key LIMIT ?"
)
_LARGE = (
    "SELECT shard.key, shard.last, shard.stored_bytes - stream.retention_bytes FROM shard "
    "JOIN stream ON stream.key = shard.stream_key "
    "WHERE NOT stream.is_deleted AND stream.retention_bytes > 0 AND shard.stored_bytes > stream.retention_bytes "
    "AND EXISTS (SELECT 1 FROM segment WHERE shard_key = shard.key AND segment.last < shard.last) "
    "ORDER BY shard.key LIMIT ?"
)
_SEGMENTS = (
    "SELECT last, first_index + count, length(payload) FROM segment WHERE shard_key = ? AND last < ? "
    "ORDER BY last LIMIT ?"
)
_EXPIRED = (
    "SELECT shard.key, stream.name FROM shard JOIN stream ON stream.key = shard.stream_key "
    "WHERE NOT stream.is_deleted AND shard.closed_millis <= stream.horizon_millis AND shard.horizon >= shard.last "
    "LIMIT ?"
)
_PURGED = (
    "DELETE FROM segment WHERE key IN (SELECT segment.key FROM segment JOIN shard ON shard.key = shard_key "
    "WHERE stream_key = ? LIMIT ?)",
    "DELETE FROM producer WHERE key IN (SELECT key FROM producer WHERE stream_key = ? LIMIT ?)",
)


@dataclass(slots=True)
class _Pass:
    """What one pass may still do, and what it did."""

    left: int = SEGMENTS_MAX
    has_more: bool = False
    """Whether something was left for the next pass."""
    horizons: dict[int, int] = field(default_factory=dict)
    held: set[int] | None = None
    """The shards that may be trimmed, by key; None where nobody else writes."""


class Trimmer:
    """Trims. Used by the writer's thread only."""

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self._seen: dict[int, int] = {}

    def forget(self) -> None:
        """Drop what is remembered: a transaction did not happen."""
        self._seen.clear()

    def trim(self, connection: sa.Connection, now_millis: int, passed_seconds: float) -> works.Trimmed:
        """Move horizons and delete what lies before them; then purge deleted streams. Bounded."""
        self._move_horizons(connection, now_millis, passed_seconds)
        done = _Pass()
        if self._locks.is_shared:
            found = [connection.exec_driver_sql(text, (SEGMENTS_MAX,)).fetchall() for text in (_OLD, _LARGE)]
            done.held = {row[0] for rows in found for row in rows}
            self._locks.hold_shards(connection, sorted(done.held))
        _trim_old(connection, done)
        _trim_large(connection, done)
        expired = _forget_expired(connection)
        done.left -= _purge(connection, done.left) if done.left else 0
        if done.left:
            done.left -= sql_producers.trim(connection, before_millis=now_millis - KEPT_MILLIS, limit=done.left)
        return works.Trimmed(
            segments=SEGMENTS_MAX - done.left,
            horizons=done.horizons,
            expired=expired,
            is_complete=done.left > 0 and not done.has_more,
        )

    def _move_horizons(self, connection: sa.Connection, now_millis: int, passed_seconds: float) -> None:
        """Each service moves a horizon from where it saw it last, so that several do not move it twice as fast."""
        text = "SELECT key, horizon_millis, retention_seconds FROM stream WHERE NOT is_deleted"
        moved, seen = [], self._seen
        self._seen = {}
        for key, horizon, retention in connection.exec_driver_sql(text).fetchall():
            wanted = reckoning.next_horizon_millis(
                min(seen.get(key, horizon), horizon),
                now_millis=now_millis,
                retention_seconds=retention,
                passed_seconds=passed_seconds,
            )
            if wanted > horizon:
                moved.append((wanted, key))
            if self._locks.is_shared:
                self._seen[key] = max(wanted, horizon)
        if moved:
            connection.exec_driver_sql("UPDATE stream SET horizon_millis = ? WHERE key = ?", moved)


def _trim_old(connection: sa.Connection, done: _Pass) -> None:
    """Delete whole segments behind the horizon."""
    for shard_key, horizon_millis in connection.exec_driver_sql(_OLD, (SEGMENTS_MAX,)).fetchall():
        _trim_shard(connection, done, shard_key, sequence.first_of(horizon_millis), BYTES_MAX)


def _trim_large(connection: sa.Connection, done: _Pass) -> None:
    """Delete the oldest segments of shards that keep too many bytes; the newest one always stays."""
    for shard_key, last, surplus in connection.exec_driver_sql(_LARGE, (SEGMENTS_MAX,)).fetchall():
        done.has_more = done.has_more or surplus > BYTES_MAX
        _trim_shard(connection, done, shard_key, last, min(surplus, BYTES_MAX))


def _trim_shard(connection: sa.Connection, done: _Pass, shard_key: int, before: int, bytes_max: int) -> None:
    """Delete a shard's segments of before a number, the oldest first, until so many bytes are freed or more.

    The horizon of the shard becomes the last number of the newest of them.
    """
    if not done.left or (done.held is not None and shard_key not in done.held):
        return
    stored = connection.exec_driver_sql(_SEGMENTS, (shard_key, before, done.left)).fetchall()
    rows = _within(stored, bytes_max)
    if not rows:
        return
    last, index, _ = rows[-1]
    connection.exec_driver_sql("DELETE FROM segment WHERE shard_key = ? AND last <= ?", (shard_key, last))
    connection.exec_driver_sql(
        "UPDATE shard SET horizon = ?, horizon_index = ?, stored_bytes = stored_bytes - ? WHERE key = ?",
        (last, index, sum(row[2] for row in rows), shard_key),
    )
    done.left -= len(rows)
    done.has_more = done.has_more or (bytes_max == BYTES_MAX and len(rows) < len(stored))
    done.horizons[shard_key] = last


def _within(rows: Sequence[Sequence[int]], bytes_max: int) -> Sequence[Sequence[int]]:
    """The first rows, until they free so many bytes or more."""
    count = freed = 0
    while count < len(rows) and freed < bytes_max:
        freed += rows[count][2]
        count += 1
    return rows[:count]


def _forget_expired(connection: sa.Connection) -> dict[str, list[int]]:
    """Delete closed shards whose records are all past retention."""
    expired: dict[str, list[int]] = defaultdict(list)
    for key, name in connection.exec_driver_sql(_EXPIRED, (STREAMS_MAX,)).fetchall():
        expired[name].append(key)
    keys = [(key,) for found in expired.values() for key in found]
    if keys:
        connection.exec_driver_sql("DELETE FROM shard WHERE key = ?", keys)
    return dict(expired)


def _purge(connection: sa.Connection, limit: int) -> int:
    """Delete segments and numbered records of deleted streams, and then the streams themselves."""
    purged = 0
    text = "SELECT key FROM stream WHERE is_deleted LIMIT ?"
    for (stream_key,) in connection.exec_driver_sql(text, (STREAMS_MAX,)).fetchall():
        for many in _PURGED:
            purged += connection.exec_driver_sql(many, (stream_key, limit - purged)).rowcount
        if purged >= limit:
            break
        for table in ("consumer", "shard"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE stream_key = ?", (stream_key,))
        connection.exec_driver_sql("DELETE FROM stream WHERE key = ?", (stream_key,))
    return purged
