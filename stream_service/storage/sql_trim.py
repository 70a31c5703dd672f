"""Trimming and purging on SQL, in bounded passes (rules C2, L8)."""

from __future__ import annotations

import sqlalchemy as sa

from stream_service.core import reckoning, sequence, works

SEGMENTS_MAX = 256
"""Segments that one pass deletes at most, so that puts wait for a fraction of a second at worst."""

STREAMS_MAX = 1_000
"""Streams that one pass looks at for their horizon at most."""


def trim(connection: sa.Connection, now_millis: int, passed_seconds: float) -> works.Trimmed:
    """Move horizons and delete what lies before them; then purge deleted streams. Bounded."""
    _move_horizons(connection, now_millis, passed_seconds)
    deleted, horizons = _trim_segments(connection, SEGMENTS_MAX)
    purged = _purge(connection, SEGMENTS_MAX - deleted) if deleted < SEGMENTS_MAX else 0
    is_complete = deleted + purged < SEGMENTS_MAX
    return works.Trimmed(segments=deleted + purged, horizons=horizons, is_complete=is_complete)


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


def _trim_segments(connection: sa.Connection, limit: int) -> tuple[int, dict[int, int]]:
    """Delete whole segments behind the horizon; a shard's horizon is the last number of its newest deleted one."""
    text = (
        "SELECT shard.key, stream.horizon_millis FROM shard JOIN stream ON stream.key = shard.stream_key "
        "WHERE NOT stream.is_deleted AND shard.horizon < shard.last AND shard.horizon < stream.horizon_millis * 1048576"
    )
    deleted, horizons = 0, {}
    for shard_key, horizon_millis in connection.exec_driver_sql(text).fetchall():
        rows = connection.exec_driver_sql(
            "SELECT last, first_index + count FROM segment WHERE shard_key = ? AND last < ? ORDER BY last LIMIT ?",
            (shard_key, sequence.first_of(horizon_millis), limit - deleted),
        ).fetchall()
        if not rows:
            continue
        last, index = rows[-1]
        connection.exec_driver_sql("DELETE FROM segment WHERE shard_key = ? AND last <= ?", (shard_key, last))
        connection.exec_driver_sql(
            "UPDATE shard SET horizon = ?, horizon_index = ? WHERE key = ?", (last, index, shard_key)
        )
        deleted += len(rows)
        horizons[shard_key] = last
        if deleted >= limit:
            break
    return deleted, horizons


def _purge(connection: sa.Connection, limit: int) -> int:
    """Delete segments of deleted streams, and then the streams themselves."""
    purged = 0
    text = "SELECT key FROM stream WHERE is_deleted LIMIT ?"
    for (stream_key,) in connection.exec_driver_sql(text, (STREAMS_MAX,)).fetchall():
        done = connection.exec_driver_sql(
            "DELETE FROM segment WHERE key IN (SELECT segment.key FROM segment JOIN shard ON shard.key = shard_key "
            "WHERE stream_key = ? LIMIT ?)",
            (stream_key, limit - purged),
        ).rowcount
        purged += done
        if purged >= limit:
            break
        connection.exec_driver_sql("DELETE FROM shard WHERE stream_key = ?", (stream_key,))
        connection.exec_driver_sql("DELETE FROM stream WHERE key = ?", (stream_key,))
    return purged
