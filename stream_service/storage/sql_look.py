"""Looking at shards on SQL without reading records: what they took lately, and where their last records begin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from stream_service.core import peeking, sequence
from stream_service.storage import sql_catalog

_TRAFFIC = (
    "SELECT shard.shard_index, sum(segment.count), sum(length(segment.payload)) FROM shard "
    "JOIN segment ON segment.shard_key = shard.key AND segment.last >= ? "
    "WHERE shard.stream_key = ? AND shard.is_open GROUP BY shard.shard_index"
)
_RUNS = "SELECT previous_last, count, length(payload) FROM segment WHERE shard_key = ? AND last <= ? ORDER BY last DESC"


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


def _newest_first(connection: sa.Connection, shard_key: int, last: int) -> Iterator[_Run]:
    rows = connection.exec_driver_sql(_RUNS, (shard_key, last))
    try:
        for row in rows:
            yield _Run(*row)
    finally:
        rows.close()
