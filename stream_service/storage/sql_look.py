"""Looking at shards on SQL without reading records: what they took lately, and where their last records begin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from stream_service.core import peeking, sequence
from stream_service.core.ports import Seen, ShardSight, StreamSight
from stream_service.storage import sql_catalog

_TRAFFIC = (
    "SELECT shard.shard_index, sum(segment.count), sum(length(segment.payload)) FROM shard "
    "JOIN segment ON segment.shard_key = shard.key AND segment.last >= ? "
    "WHERE shard.stream_key = ? AND shard.is_open GROUP BY shard.shard_index"
)
_RUNS = "SELECT previous_last, count, length(payload) FROM segment WHERE shard_key = ? AND last <= ? ORDER BY last DESC"
_SIGHT = (
    "SELECT name, stream_id, etag, shard.key, last, horizon, is_open FROM stream JOIN shard ON stream_key = stream.key "
    "WHERE NOT is_deleted AND name = ANY(?::text[])"
)
_CONSUMERS = "SELECT consumer_id FROM consumer WHERE consumer_id = ANY(?::text[])"


@dataclass(frozen=True, slots=True)
class _Run:
    """See peeking.StoredRun."""

    previous_last: int
    count: int
    payload_bytes: int


def traffic(connection: sa.Connection, *, name: str, since_millis: int) -> Mapping[int, tuple[int, int]]:
    """Records and bytes that each open shard took since a time, by index. Raises StreamNotFound."""
    found = sql_catalog.find_stream(connection, name)
    rows = connection.exec_driver_sql(_TRAFFIC, (sequence.first_of(since_millis), found.key))
    return {row[0]: (int(row[1]), int(row[2])) for row in rows.fetchall()}


def tails(connection: sa.Connection, *, name: str, indexes: Sequence[int], count: int) -> list[peeking.Tail]:
    """Where the last records of these shards begin. Raises StreamNotFound."""
    found, wanted = sql_catalog.find_stream(connection, name), set(indexes)
    shards = [each for each in sql_catalog.shards_of(connection, found.key) if each.index in wanted]
    return [peeking.tail_of(each, _newest_first(connection, each.key, each.last), count) for each in shards]


def look(connection: sa.Connection, *, names: Collection[str], consumer_ids: Collection[str]) -> Seen:
    """What there is of these streams and consumers. On PostgreSQL only: it is for services that share a database."""
    shards: defaultdict[tuple[str, str, str], dict[int, ShardSight]] = defaultdict(dict)
    if names:
        for name, stream_id, etag, key, *rest in connection.exec_driver_sql(_SIGHT, (sorted(names),)):
            shards[(name, stream_id, etag)][key] = ShardSight(*rest)
    streams = {
        name: StreamSight(stream_id=stream_id, etag=etag, shards=found)
        for (name, stream_id, etag), found in shards.items()
    }
    left: set[str] = set()
    if consumer_ids:
        left = {row[0] for row in connection.exec_driver_sql(_CONSUMERS, (sorted(consumer_ids),))}
    return Seen(streams=streams, consumer_ids=left)


def _newest_first(connection: sa.Connection, shard_key: int, last: int) -> Iterator[_Run]:
    rows = connection.exec_driver_sql(_RUNS, (shard_key, last))
    try:
        for row in rows:
            yield _Run(*row)
    finally:
        rows.close()
