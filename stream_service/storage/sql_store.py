"""What the writer's thread does with a group of works in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import groupby

import sqlalchemy as sa

from chassis.errors import DomainError
from stream_service.core import works
from stream_service.storage import sql_append, sql_catalog, sql_changes, sql_locks, sql_trim


class SqlStore:
    """Turns works into rows. Used by the writer's thread only."""

    def __init__(
        self,
        now_millis: Callable[[], int],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        locks: sql_locks.Locks | None = None,
    ) -> None:
        """`now_millis` gives the time for new numbers (rule C2), `monotonic` the seconds that write limits count by.

        Without `locks` no other process writes.
        """
        self._now_millis = now_millis
        self._locks = locks or sql_locks.OneWriter()
        self._may_trim = True
        self.log = sql_append.SqlLog(monotonic=monotonic, locks=self._locks)
        self.trimmer = sql_trim.Trimmer(self._locks)

    def transact(self, connection: sa.Connection, group: Sequence[object]) -> Sequence[object]:
        """One result for each work, in order; a DomainError is that work's refusal."""
        results: list[object] = []
        self._hold_changes(connection, [type(work) for work in group])
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
        self.trimmer.forget()

    def _hold_changes(self, connection: sa.Connection, kinds: Sequence[type]) -> None:
        """Change streams as the only service; but whoever would only trim leaves it to the one who does already."""
        changes = [kind for kind in kinds if kind is not works.Put]
        self._may_trim = True
        if changes and all(kind is works.Trim for kind in changes):
            self._may_trim = self._locks.try_changes(connection)
        elif changes:
            self._locks.hold_changes(connection)

    def _change(self, connection: sa.Connection, work: object) -> object:
        try:
            match work:
                case works.Create():
                    return sql_changes.create(connection, work, self._now_millis())
                case works.Update():
                    self.log.forget(work.change.name)
                    return sql_changes.update(connection, work, self._now_millis())
                case works.Reshard():
                    self.log.forget(work.stream_name)
                    return sql_changes.reshard(connection, work, self._now_millis(), self._locks)
                case works.Delete():
                    self.log.forget(work.stream_name)
                    deleted = sql_changes.delete(connection, work, self._locks)
                    self.log.forget_limits(deleted.key)
                    shards = sql_catalog.shards_of(connection, deleted.key)
                    return works.Deleted(deleted, [shard.key for shard in shards])
                case works.Register():
                    return sql_changes.register(connection, work, self._now_millis())
                case works.Deregister():
                    return sql_changes.deregister(connection, work)
                case works.Trim():
                    if not self._may_trim:
                        return works.Trimmed(is_complete=False)
                    return self.trimmer.trim(connection, self._now_millis(), work.passed_seconds)
                case _:
                    raise AssertionError(f"unknown work {type(work).__name__}")
        except DomainError as refusal:
            return refusal
