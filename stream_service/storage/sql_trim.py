"""Trimming and purging on SQL, in bounded passes (rules C2, D5, L8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from stream_service.core import reckoning, sequence, works
from stream_service.core.idempotency import KEPT_MILLIS
from stream_service.storage import sql_producers

SEGMENTS_MAX = 256
"""Segments that one pass deletes at most, so that puts wait for a fraction of a second at worst."""

STREAMS_MAX = 1_000
"""Deleted streams that one pass looks at, and closed shards that it forgets, at most."""

_OLD = (
    "SELECT shard.key, stream.horizon_millis FROM shard JOIN stream ON stream.key = shard.stream_key "
    "WHERE NOT stream.is_deleted AND shard.horizon < shard.last AND shard.horizon < stream.horizon_millis * 1048576"
)
_LARGE = (
    "SELECT shard.key, shard.last, shard.stored_bytes - stream.retention_bytes FROM shard "
    "JOIN stream ON stream.key = shard.stream_key "
    "WHERE NOT stream.is_deleted AND stream.retention_bytes > 0 AND shard.stored_bytes > stream.retention_bytes"
)
_SEGMENTS = "SELECT last, first_index + count, length(payload) FROM segment WHERE shard_key = ? AND last < ? "
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


def trim(connection: sa.Connection, now_millis: int, passed_seconds: float) -> works.Trimmed:
    """Move horizons and delete what lies before them; then purge deleted streams. Bounded."""
    _move_horizons(connection, now_millis, passed_seconds)
    horizons: dict[int, int] = {}
    left = SEGMENTS_MAX
    for trimmed_by in (_trim_old, _trim_large):
        left -= trimmed_by(connection, horizons, left) if left else 0
    expired = _forget_expired(connection)
    left -= _purge(connection, left) if left else 0
    left -= sql_producers.trim(connection, before_millis=now_millis - KEPT_MILLIS, limit=left) if left else 0
    return works.Trimmed(segments=SEGMENTS_MAX - left, horizons=horizons, expired=expired, is_complete=left > 0)


def _move_horizons(connection: sa.Connection, now_millis: int, passed_seconds: float) -> None:
    text = "SELECT key, horizon_millis, retention_seconds FROM stream WHERE NOT is_deleted"
    moved = []
    for key, horizon, retention in connection.exec_driver_sql(text).fetchall():
        wanted = reckoning.next_horizon_millis(
            horizon, now_millis=now_millis, retention_seconds=retention, passed_seconds=passed_seconds
        )
        if wanted != horizon:
            moved.append((wanted, key))
    if moved:
        connection.exec_driver_sql("UPDATE stream SET horizon_millis = ? WHERE key = ?", moved)


def _trim_old(connection: sa.Connection, horizons: dict[int, int], limit: int) -> int:
    """Delete whole segments behind the horizon."""
    deleted = 0
    for shard_key, horizon_millis in connection.exec_driver_sql(_OLD).fetchall():
        text = _SEGMENTS + "ORDER BY last LIMIT ?"
        before = (shard_key, sequence.first_of(horizon_millis), limit - deleted)
        deleted += _delete(connection, shard_key, connection.exec_driver_sql(text, before).fetchall(), horizons)
        if deleted >= limit:
            break
    return deleted


def _trim_large(connection: sa.Connection, horizons: dict[int, int], limit: int) -> int:
    """Delete the oldest segments of shards that keep too many bytes; the newest one always stays."""
    deleted = 0
    for shard_key, last, surplus in connection.exec_driver_sql(_LARGE).fetchall():
        text = _SEGMENTS + "ORDER BY last LIMIT ?"
        rows = connection.exec_driver_sql(text, (shard_key, last, limit - deleted)).fetchall()
        count = freed = 0
        while count < len(rows) and freed < surplus:
            freed += rows[count][2]
            count += 1
        deleted += _delete(connection, shard_key, rows[:count], horizons)
        if deleted >= limit:
            break
    return deleted


def _delete(connection: sa.Connection, shard_key: int, rows: Sequence[Sequence[int]], horizons: dict[int, int]) -> int:
    """Delete a shard's oldest segments; its horizon is the last number of the newest of them."""
    if not rows:
        return 0
    last, index, _ = rows[-1]
    connection.exec_driver_sql("DELETE FROM segment WHERE shard_key = ? AND last <= ?", (shard_key, last))
    connection.exec_driver_sql(
        "UPDATE shard SET horizon = ?, horizon_index = ?, stored_bytes = stored_bytes - ? WHERE key = ?",
        (last, index, sum(row[2] for row in rows), shard_key),
    )
    horizons[shard_key] = last
    return len(rows)


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
