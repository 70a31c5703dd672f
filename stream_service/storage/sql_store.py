"""What the writer's thread does with a group of works in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import groupby

import sqlalchemy as sa

from chassis.errors import DomainError
from stream_service.core import errors, works
from stream_service.storage import sql_catalog, sql_log, sql_trim

REQUEST_MILLIS_MAX = 24 * 3600 * 1000


class SqlStore:
    """Turns works into rows. Used by the writer's thread only."""

    def __init__(self, now_millis: Callable[[], int]) -> None:
        """`now_millis` gives the time for new numbers (rule C2)."""
        self._now_millis = now_millis
        self.log = sql_log.SqlLog()

    def transact(self, connection: sa.Connection, group: Sequence[object]) -> Sequence[object]:
        """One result for each work, in order; a DomainError is that work's refusal."""
        results: list[object] = []
        for is_put, each in groupby(group, key=lambda work: isinstance(work, works.Put)):
            if is_put:
                puts = [work for work in each if isinstance(work, works.Put)]
                results += self.log.put(connection, puts, self._now_millis)
            else:
                results += [self._change(connection, work) for work in each]
        return results

    def on_rolled_back(self) -> None:
        """Forget what a transaction that did not happen had remembered."""
        self.log.forget()

    def _change(self, connection: sa.Connection, work: object) -> object:
        try:
            match work:
                case works.Create():
                    return self._create(connection, work)
                case works.Delete():
                    self.log.forget(work.stream_name)
                    deleted = sql_catalog.delete_stream(connection, work.stream_name)
                    shards = sql_catalog.shards_of(connection, deleted.key)
                    return works.Deleted(deleted, [shard.key for shard in shards])
                case works.Trim():
                    return sql_trim.trim(connection, self._now_millis(), work.passed_seconds)
                case _:
                    raise AssertionError(f"unknown work {type(work).__name__}")
        except DomainError as refusal:
            return refusal

    def _create(self, connection: sa.Connection, work: works.Create) -> object:
        now, digest = self._now_millis(), hashlib.sha256(repr(work.spec).encode()).hexdigest()
        if work.request_id:
            connection.exec_driver_sql("DELETE FROM request WHERE created_millis < ?", (now - REQUEST_MILLIS_MAX,))
            row = connection.exec_driver_sql(
                "SELECT digest, stream_id FROM request WHERE request_id = ?", (work.request_id,)
            ).fetchone()
            if row is not None:
                if row[0] != digest:
                    raise errors.RequestIdReused(work.request_id)
                return sql_catalog.find_stream(connection, work.spec.name, row[1])
        created = sql_catalog.create_stream(connection, work.spec, now_millis=now)
        if work.request_id:
            connection.exec_driver_sql(
                "INSERT INTO request (request_id, digest, stream_id, created_millis) VALUES (?, ?, ?, ?)",
                (work.request_id, digest, created.stream_id, now),
            )
        return created
