"""What the writer's thread does with a group of works in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import groupby

import sqlalchemy as sa

from chassis.errors import DomainError
from stream_service.core import works
from stream_service.storage import sql_append, sql_catalog, sql_changes, sql_trim


class SqlStore:
    """Turns works into rows. Used by the writer's thread only."""

    def __init__(self, now_millis: Callable[[], int], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`now_millis` gives the time for new numbers (rule C2), `monotonic` the seconds that write limits count by."""
        self._now_millis = now_millis
        self.log = sql_append.SqlLog(monotonic=monotonic)

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
                    return sql_changes.create(connection, work, self._now_millis())
                case works.Update():
                    self.log.forget(work.change.name, settings=True)
                    return sql_changes.update(connection, work, self._now_millis())
                case works.Reshard():
                    self.log.forget(work.stream_name)
                    return sql_changes.reshard(connection, work, self._now_millis())
                case works.Delete():
                    self.log.forget(work.stream_name, settings=True)
                    deleted = sql_catalog.delete_stream(connection, work.stream_name, force=work.force)
                    shards = sql_catalog.shards_of(connection, deleted.key)
                    return works.Deleted(deleted, [shard.key for shard in shards])
                case works.Register():
                    return sql_changes.register(connection, work, self._now_millis())
                case works.Deregister():
                    return sql_changes.deregister(connection, work)
                case works.Trim():
                    return sql_trim.trim(connection, self._now_millis(), work.passed_seconds)
                case _:
                    raise AssertionError(f"unknown work {type(work).__name__}")
        except DomainError as refusal:
            return refusal
