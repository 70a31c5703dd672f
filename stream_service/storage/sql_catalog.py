"""Streams and shards on SQL. Each function works in the transaction of the connection that it is given."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from stream_service.core import errors, shard, stream
from stream_service.storage import tables

_STREAM = (
    "SELECT key, stream_id, name, retention_seconds, record_bytes_max, created_millis, etag, "
    "(SELECT count(*) FROM shard WHERE stream_key = stream.key AND is_open) FROM stream WHERE "
)
_SHARD = (
    "SELECT key, shard_index, starting_hash_key, ending_hash_key, parents, floor, last, next_index, horizon, "
    "horizon_index, is_open FROM shard WHERE stream_key = ? "
)


def find_stream(connection: sa.Connection, name: str, stream_id: str = "") -> stream.Stream:
    """The stream of that name. Raises StreamNotFound, also when it is another incarnation than `stream_id`."""
    row = connection.exec_driver_sql(_STREAM + "name = ? AND NOT is_deleted", (name,)).fetchone()
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
        "retention_seconds": spec.retention_seconds,
        "record_bytes_max": spec.record_bytes_max,
        "created_millis": now_millis,
        "etag": uuid.uuid4().hex[:16],
        "horizon_millis": now_millis - spec.retention_seconds * 1000,
        "is_deleted": False,
    }
    connection.execute(tables.stream.insert(), values)
    created = find_stream(connection, spec.name)
    floor = max(highest_number(connection), (now_millis << 20) - 1)
    ranges = enumerate(shard.uniform_ranges(spec.shard_count))
    connection.execute(
        tables.shard.insert(),
        [
            {
                "stream_key": created.key,
                "shard_index": index,
                "starting_hash_key": str(low),
                "ending_hash_key": str(high),
                "parents": "",
                "floor": floor,
                "last": floor,
                "next_index": 0,
                "horizon": floor,
                "horizon_index": 0,
                "is_open": True,
            }
            for index, (low, high) in ranges
        ],
    )
    return find_stream(connection, spec.name)


def delete_stream(connection: sa.Connection, name: str) -> stream.Stream:
    """Mark a stream deleted, which frees its name. Raises StreamNotFound."""
    found = find_stream(connection, name)
    highest = highest_number(connection)
    put_meta(connection, "highest_number", str(highest).encode())
    connection.exec_driver_sql("UPDATE stream SET is_deleted = 1 WHERE key = ?", (found.key,))
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
    connection.exec_driver_sql("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))


def _stream(row: Sequence[object]) -> stream.Stream:
    key, stream_id, name, retention, record_bytes_max, created, etag, open_count = row
    return stream.Stream(
        key=int(str(key)),
        stream_id=str(stream_id),
        name=str(name),
        retention_seconds=int(str(retention)),
        record_bytes_max=int(str(record_bytes_max)),
        created_millis=int(str(created)),
        etag=str(etag),
        open_shard_count=int(str(open_count)),
    )


def _shard(row: Sequence[object]) -> shard.Shard:
    key, index, low, high, parents, floor, last, next_index, horizon, horizon_index, is_open = row
    return shard.Shard(
        key=int(str(key)),
        index=int(str(index)),
        starting_hash_key=int(str(low)),
        ending_hash_key=int(str(high)),
        parents=tuple(int(parent) for parent in str(parents).split(",") if parent),
        floor=int(str(floor)),
        last=int(str(last)),
        next_index=int(str(next_index)),
        horizon=int(str(horizon)),
        horizon_index=int(str(horizon_index)),
        is_open=bool(is_open),
    )
