"""Streams and shards on SQL. Each function works in the transaction of the connection that it is given."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from stream_service.core import errors, shard, stream
from stream_service.core.tags import in_order
from stream_service.storage import tables

_COLUMNS = (
    "SELECT key, stream_id, name, retention_seconds, record_bytes_max, created_millis, etag, tags, retention_bytes, "
    "write_bytes_per_second, write_records_per_second, read_bytes_per_second, read_calls_per_second, horizon_millis, "
)
_STREAM = (
    _COLUMNS + "(SELECT count(*) FROM shard WHERE stream_key = stream.key AND is_open), "
    "(SELECT count(*) FROM consumer WHERE stream_key = stream.key) FROM stream WHERE "
)
_UNCOUNTED = _COLUMNS + "0, 0 FROM stream WHERE "
_SHARD = (
    "SELECT key, shard_index, starting_hash_key, ending_hash_key, parents, floor, last, next_index, horizon, "
    "horizon_index, is_open, created_millis, closed_millis, stored_bytes FROM shard WHERE stream_key = ? "
)


def find_stream(connection: sa.Connection, name: str, stream_id: str = "", *, is_counted: bool = True) -> stream.Stream:
    """The stream of that name. Raises StreamNotFound, also when it is another incarnation than `stream_id`.

    Counting its shards and consumers costs a large stream more than reading some records; without it both are 0.
    """
    text = _STREAM if is_counted else _UNCOUNTED
    row = connection.exec_driver_sql(text + "name = ? AND NOT is_deleted", (name,)).fetchone()
    if row is None or (stream_id and row[1] != stream_id):
        raise errors.StreamNotFound(name)
    return _stream(row)


def list_streams(connection: sa.Connection, *, after: str, limit: int) -> list[stream.Stream]:
    """Streams by name, from after a name on; at most `limit`."""
    text = _STREAM + "name > ? AND NOT is_deleted ORDER BY name LIMIT ?"
    return [_stream(row) for row in connection.exec_driver_sql(text, (after, limit))]


def shards_of(connection: sa.Connection, stream_key: int) -> list[shard.Shard]:
    """All shards of a stream in the order of their ids."""
    rows = connection.exec_driver_sql(_SHARD + "ORDER BY shard_index", (stream_key,))
    return [_shard(row) for row in rows]


def find_shard(connection: sa.Connection, found: stream.Stream, index: int) -> shard.Shard:
    """One shard. Raises ShardNotFound."""
    row = connection.exec_driver_sql(_SHARD + "AND shard_index = ?", (found.key, index)).fetchone()
    if row is None:
        raise errors.ShardNotFound(found.name, shard.shard_id(index))
    return _shard(row)


def create_stream(connection: sa.Connection, spec: stream.StreamSpec, *, now_millis: int) -> stream.Stream:
    """Insert a stream and its shards. Raises StreamAlreadyExists."""
    text = "SELECT 1 FROM stream WHERE name = ? AND NOT is_deleted"
    if connection.exec_driver_sql(text, (spec.name,)).fetchone():
        raise errors.StreamAlreadyExists(spec.name)
    values = {
        "stream_id": str(uuid.uuid4()),
        "name": spec.name,
        "created_millis": now_millis,
        "etag": new_etag(),
        "horizon_millis": now_millis - spec.retention_seconds * 1000,
        "is_deleted": False,
        **settings_of(spec),
    }
    connection.execute(tables.stream.insert(), values)
    created = find_stream(connection, spec.name)
    floor = max(highest_number(connection), (now_millis << 20) - 1)
    insert_shards(
        connection,
        created.key,
        [
            shard.Shard(
                key=0,
                index=index,
                starting_hash_key=low,
                ending_hash_key=high,
                floor=floor,
                last=floor,
                next_index=0,
                horizon=floor,
                horizon_index=0,
                created_millis=now_millis,
            )
            for index, (low, high) in enumerate(shard.uniform_ranges(spec.shard_count))
        ],
    )
    return find_stream(connection, spec.name)


def insert_shards(connection: sa.Connection, stream_key: int, rows: Sequence[shard.Shard]) -> None:
    """Insert new shards; their keys are given by the database."""
    connection.execute(
        tables.shard.insert(),
        [
            {
                "stream_key": stream_key,
                "shard_index": each.index,
                "starting_hash_key": str(each.starting_hash_key),
                "ending_hash_key": str(each.ending_hash_key),
                "parents": ",".join(map(str, each.parents)),
                "floor": each.floor,
                "last": each.last,
                "next_index": each.next_index,
                "horizon": each.horizon,
                "horizon_index": each.horizon_index,
                "is_open": each.is_open,
                "created_millis": each.created_millis,
                "closed_millis": each.closed_millis,
                "stored_bytes": each.stored_bytes,
            }
            for each in rows
        ],
    )


def settings_of(settings: stream.StreamSpec | stream.Stream) -> dict[str, object]:
    """The columns of what a user may set."""
    return {
        "retention_seconds": settings.retention_seconds,
        "record_bytes_max": settings.record_bytes_max,
        "tags": json.dumps(dict(settings.tags), ensure_ascii=False),
        "retention_bytes": settings.retention_bytes,
        "write_bytes_per_second": settings.write_limits.bytes_per_second,
        "write_records_per_second": settings.write_limits.records_per_second,
        "read_bytes_per_second": settings.read_limits.bytes_per_second,
        "read_calls_per_second": settings.read_limits.calls_per_second,
    }


def new_etag() -> str:
    """A version of a stream's settings."""
    return uuid.uuid4().hex[:16]


def delete_stream(connection: sa.Connection, name: str, *, force: bool) -> stream.Stream:
    """Mark a stream deleted, which frees its name. Raises StreamNotFound, StreamHasConsumers unless forced."""
    found = find_stream(connection, name)
    if found.consumer_count and not force:
        raise errors.StreamHasConsumers(name, found.consumer_count)
    highest = highest_number(connection)
    put_meta(connection, "highest_number", str(highest).encode())
    connection.exec_driver_sql("UPDATE stream SET is_deleted = true WHERE key = ?", (found.key,))
    # Another service that remembers the stream finds its shards closed, and looks again (rule L1).
    connection.exec_driver_sql("UPDATE shard SET is_open = false WHERE stream_key = ? AND is_open", (found.key,))
    return found


def highest_number(connection: sa.Connection) -> int:
    """The highest number that this database ever gave, to deleted streams too (rule L3)."""
    kept = get_meta(connection, "highest_number")
    row = connection.exec_driver_sql("SELECT max(last) FROM shard").fetchone()
    return max(int(kept or b"0"), (row[0] if row else None) or 0)


def get_meta(connection: sa.Connection, name: str) -> bytes | None:
    """A value kept beside the tables; None if there is none."""
    row = connection.exec_driver_sql("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def put_meta(connection: sa.Connection, name: str, value: bytes) -> None:
    """Keep a value."""
    connection.exec_driver_sql("DELETE FROM meta WHERE name = ?", (name,))
    connection.exec_driver_sql("INSERT INTO meta (name, value) VALUES (?, ?)", (name, value))


def _stream(row: Sequence[Any]) -> stream.Stream:
    return stream.Stream(
        key=row[0],
        stream_id=row[1],
        name=row[2],
        retention_seconds=row[3],
        record_bytes_max=row[4],
        created_millis=row[5],
        etag=row[6],
        tags=in_order(json.loads(row[7])),
        retention_bytes=row[8],
        write_limits=stream.WriteLimits(bytes_per_second=row[9], records_per_second=row[10]),
        read_limits=stream.ReadLimits(bytes_per_second=row[11], calls_per_second=row[12]),
        horizon_millis=row[13],
        open_shard_count=row[14],
        consumer_count=row[15],
    )


def _shard(row: Sequence[Any]) -> shard.Shard:
    return shard.Shard(
        key=row[0],
        index=row[1],
        starting_hash_key=int(row[2]),
        ending_hash_key=int(row[3]),
        parents=tuple(int(parent) for parent in row[4].split(",") if parent),
        floor=row[5],
        last=row[6],
        next_index=row[7],
        horizon=row[8],
        horizon_index=row[9],
        is_open=bool(row[10]),
        created_millis=row[11],
        closed_millis=row[12],
        stored_bytes=row[13],
    )
