"""Changes of streams on SQL: settings, shards, consumers; each once for its request id."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from stream_service.core import errors, resharding, stream, works
from stream_service.storage import sql_catalog, tables
from stream_service.storage.sql_locks import Locks

REQUEST_MILLIS_MAX = 24 * 3600 * 1000
_CONSUMERS = "SELECT consumer_id, name, created_millis FROM consumer WHERE stream_key = ? "
_SETTINGS = sa.update(tables.stream).where(tables.stream.c.key == sa.bindparam("stream_key"))


def create(connection: sa.Connection, work: works.Create, now_millis: int) -> stream.Stream:
    """Make a stream. Raises StreamAlreadyExists, RequestIdReused."""
    digest = _digest(work.spec)
    known = _known_request(connection, work.request_id, digest, now_millis)
    if known is not None:
        return sql_catalog.find_stream(connection, work.spec.name, known)
    created = sql_catalog.create_stream(connection, work.spec, now_millis=now_millis)
    _keep_request(connection, work.request_id, digest, created.stream_id, now_millis)
    return created


def update(connection: sa.Connection, work: works.Update, now_millis: int) -> works.Updated:
    """Change settings; a shorter retention moves the horizon at once. Raises StreamNotFound, EtagMismatch."""
    change, digest = work.change, _digest(work.change)
    found = sql_catalog.find_stream(connection, change.name)
    known = _known_request(connection, work.request_id, digest, now_millis)
    if known is not None:
        return works.Updated(sql_catalog.find_stream(connection, change.name, known))
    if change.etag and change.etag != found.etag:
        raise errors.EtagMismatch(change.name, change.etag)
    changed = replace(found, **change.values)
    if changed != found:
        horizon = found.horizon_millis
        if changed.retention_seconds < found.retention_seconds:
            horizon = max(horizon, now_millis - changed.retention_seconds * 1000)
        values = {**sql_catalog.settings_of(changed), "etag": sql_catalog.new_etag(), "horizon_millis": horizon}
        connection.execute(_SETTINGS.values(values), {"stream_key": found.key})
    _keep_request(connection, work.request_id, digest, found.stream_id, now_millis)
    return works.Updated(sql_catalog.find_stream(connection, change.name))


def delete(connection: sa.Connection, work: works.Delete, locks: Locks) -> stream.Stream:
    """Delete a stream. Raises StreamNotFound, StreamHasConsumers unless forced."""
    found = sql_catalog.find_stream(connection, work.stream_name)
    locks.hold_stream(connection, found.key)
    return sql_catalog.delete_stream(connection, work.stream_name, force=work.force)


def reshard(connection: sa.Connection, work: works.Reshard, now_millis: int, locks: Locks) -> works.Resharded:
    """Close and open shards, all at once. Raises StreamNotFound and what resharding does."""
    found = sql_catalog.find_stream(connection, work.stream_name)
    locks.hold_stream(connection, found.key)
    outcome = resharding.reshard(
        found.name,
        work.change,
        sql_catalog.shards_of(connection, found.key),
        now_millis=now_millis,
        highest_number=sql_catalog.highest_number(connection),
    )
    if outcome.closed:
        connection.exec_driver_sql(
            "UPDATE shard SET is_open = false, closed_millis = ? WHERE key = ?",
            [(each.closed_millis, each.key) for each in outcome.closed],
        )
        sql_catalog.insert_shards(connection, found.key, outcome.created)
    shards = sql_catalog.shards_of(connection, found.key)
    made = {each.index for each in outcome.created}
    stored = resharding.Outcome(closed=outcome.closed, created=[each for each in shards if each.index in made])
    return works.Resharded(sql_catalog.find_stream(connection, found.name), stored, shards)


def register(connection: sa.Connection, work: works.Register, now_millis: int) -> works.Registered:
    """Add a consumer. Raises StreamNotFound, ConsumerAlreadyExists, LimitExceeded, RequestIdReused."""
    found = sql_catalog.find_stream(connection, work.stream_name)
    digest = _digest((found.stream_id, work.consumer_name))
    if _known_request(connection, work.request_id, digest, now_millis) is not None:
        return works.Registered(found, find_consumer(connection, found, work.consumer_name))
    text = "SELECT 1 FROM consumer WHERE stream_key = ? AND name = ?"
    if connection.exec_driver_sql(text, (found.key, work.consumer_name)).fetchone():
        raise errors.ConsumerAlreadyExists(found.name, work.consumer_name)
    if found.consumer_count >= stream.CONSUMERS_MAX:
        raise errors.LimitExceeded("consumers of a stream", stream.CONSUMERS_MAX)
    made = stream.Consumer(consumer_id=str(uuid.uuid4()), name=work.consumer_name, created_millis=now_millis)
    connection.exec_driver_sql(
        "INSERT INTO consumer (stream_key, consumer_id, name, created_millis) VALUES (?, ?, ?, ?)",
        (found.key, made.consumer_id, made.name, made.created_millis),
    )
    _keep_request(connection, work.request_id, digest, found.stream_id, now_millis)
    return works.Registered(replace(found, consumer_count=found.consumer_count + 1), made)


def deregister(connection: sa.Connection, work: works.Deregister) -> works.Deregistered:
    """Remove a consumer. Raises StreamNotFound, ConsumerNotFound."""
    found = sql_catalog.find_stream(connection, work.stream_name)
    gone = find_consumer(connection, found, work.consumer_name)
    connection.exec_driver_sql("DELETE FROM consumer WHERE stream_key = ? AND name = ?", (found.key, gone.name))
    return works.Deregistered(replace(found, consumer_count=found.consumer_count - 1), gone)


def find_consumer(connection: sa.Connection, found: stream.Stream, name: str) -> stream.Consumer:
    """One consumer. Raises ConsumerNotFound."""
    row = connection.exec_driver_sql(_CONSUMERS + "AND name = ?", (found.key, name)).fetchone()
    if row is None:
        raise errors.ConsumerNotFound(found.name, name)
    return _consumer(row)


def consumers_of(connection: sa.Connection, stream_key: int) -> list[stream.Consumer]:
    """All consumers of a stream by name, in the order of the name's bytes."""
    rows = connection.exec_driver_sql(_CONSUMERS, (stream_key,)).fetchall()
    return sorted(map(_consumer, rows), key=lambda each: each.name)


def _consumer(row: Sequence[object]) -> stream.Consumer:
    return stream.Consumer(consumer_id=str(row[0]), name=str(row[1]), created_millis=int(str(row[2])))


def _known_request(connection: sa.Connection, request_id: str, digest: str, now_millis: int) -> str | None:
    """The stream id that a request was answered with, if it is known. Raises RequestIdReused."""
    if not request_id:
        return None
    connection.exec_driver_sql("DELETE FROM request WHERE created_millis < ?", (now_millis - REQUEST_MILLIS_MAX,))
    text = "SELECT digest, stream_id FROM request WHERE request_id = ?"
    row = connection.exec_driver_sql(text, (request_id,)).fetchone()
    if row is None:
        return None
    if row[0] != digest:
        raise errors.RequestIdReused(request_id)
    return str(row[1])


def _keep_request(connection: sa.Connection, request_id: str, digest: str, stream_id: str, now_millis: int) -> None:
    if request_id:
        connection.exec_driver_sql(
            "INSERT INTO request (request_id, digest, stream_id, created_millis) VALUES (?, ?, ?, ?)",
            (request_id, digest, stream_id, now_millis),
        )


def _digest(request: object) -> str:
    return hashlib.sha256(repr(request).encode()).hexdigest()
