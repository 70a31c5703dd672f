"""LeaseTable in SQL, on a transaction that somebody else opened (rules K1 to K4)."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import and_, delete, insert, select, update

from mapping_service.core.errors import LeaseLost, MappingNotFound, StartAlreadyResolved
from mapping_service.core.lease import CheckpointWrite, Lease, NewLease, Take
from mapping_service.core.ports import ResolvedStart
from mapping_service.storage import lease_checksum, sql_dead_letters, sql_start
from mapping_service.storage.tables import DELIVERY_STATE, LEASE, WORKER
from mapping_service.storage.tables import EVENT_SOURCE_MAPPING as MAPPING

_IS_STATE_OF_LEASE = and_(
    DELIVERY_STATE.c.mapping_id == LEASE.c.mapping_id, DELIVERY_STATE.c.shard_id == LEASE.c.shard_id
)
_SELECT = select(LEASE, DELIVERY_STATE.c.state).select_from(LEASE.outerjoin(DELIVERY_STATE, _IS_STATE_OF_LEASE))
_ORDER = (LEASE.c.mapping_id, LEASE.c.shard_id)

# The hot path: one for each batch of each shard. Plain statements cost a fifth of built ones.
_CHECKPOINT = (
    "UPDATE lease SET checkpoint = ?, ended = ?, checksum = ? "
    "WHERE mapping_id = ? AND shard_id = ? AND owner = ? AND epoch = ?"
)
_KEEP_STATE = "INSERT OR REPLACE INTO delivery_state (mapping_id, shard_id, state) VALUES (?, ?, ?)"
_FORGET_STATE = "DELETE FROM delivery_state WHERE mapping_id = ? AND shard_id = ?"


class SqlLeases:
    """Leases, checkpoints and delivery states; see LeaseTable for the promises."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def heartbeat(self, worker_id: str) -> int:
        """See LeaseTable."""
        counter = self._counter(worker_id)
        if counter is None:
            self._connection.execute(insert(WORKER).values(worker_id=worker_id, counter=1))
            return 1
        changed = update(WORKER).where(WORKER.c.worker_id == worker_id)
        self._connection.execute(changed.values(counter=counter + 1))
        return counter + 1

    def counters(self) -> Mapping[str, int]:
        """See LeaseTable."""
        return {row.worker_id: row.counter for row in self._connection.execute(select(WORKER))}

    def remove_worker(self, worker_id: str) -> None:
        """See LeaseTable."""
        self._connection.execute(delete(WORKER).where(WORKER.c.worker_id == worker_id))
        self._connection.execute(update(LEASE).where(LEASE.c.owner == worker_id).values(owner=None))

    def resolve_start(self, mapping_id: str, start: ResolvedStart, *, seen_stream_id: str | None) -> None:
        """See LeaseTable."""
        if self._incarnation(mapping_id) != seen_stream_id:
            raise StartAlreadyResolved
        changed = update(MAPPING).where(MAPPING.c.mapping_id == mapping_id)
        self._connection.execute(changed.values(stream_id=start.stream_id))
        sql_start.insert_leases(self._connection, mapping_id, start.stream_id, start.leases)
        sql_start.strand_others(self._connection, mapping_id, start.stream_id)

    def insert(self, mapping_id: str, stream_id: str, leases: Sequence[NewLease]) -> None:
        """See LeaseTable."""
        query = select(MAPPING.c.stream_id).where(MAPPING.c.mapping_id == mapping_id)
        if self._connection.execute(query).scalar_one_or_none() == stream_id:
            sql_start.insert_leases(self._connection, mapping_id, stream_id, leases)

    def leases(self, mapping_id: str) -> Sequence[Lease]:
        """See LeaseTable."""
        return self._select(_SELECT.where(LEASE.c.mapping_id == mapping_id).order_by(*_ORDER))

    def all_leases(self) -> Sequence[Lease]:
        """See LeaseTable."""
        return self._select(_SELECT.where(LEASE.c.ended.is_(False)).order_by(*_ORDER))

    def read(self, mapping_id: str, shard_id: str) -> Lease | None:
        """See LeaseTable."""
        found = self._select(_SELECT.where(LEASE.c.mapping_id == mapping_id, LEASE.c.shard_id == shard_id))
        return found[0] if found else None

    def take(self, take: Take, *, worker_id: str) -> Lease | None:
        """See LeaseTable."""
        if self._counter(worker_id) is None:
            return None
        row = self.read(take.mapping_id, take.shard_id)
        if row is None or row.ended or row.owner != take.seen_owner:
            return None
        if row.owner is not None and self._counter(row.owner) != take.seen_counter:
            return None
        changed = update(LEASE).where(
            LEASE.c.mapping_id == row.mapping_id, LEASE.c.shard_id == row.shard_id, LEASE.c.epoch == row.epoch
        )
        self._connection.execute(changed.values(owner=worker_id, epoch=row.epoch + 1))
        return self.read(take.mapping_id, take.shard_id)

    def take_all(self, worker_id: str) -> int:
        """See LeaseTable."""
        self._connection.execute(delete(WORKER).where(WORKER.c.worker_id != worker_id))
        changed = update(LEASE).where(LEASE.c.ended.is_(False))
        return self._connection.execute(changed.values(owner=worker_id, epoch=LEASE.c.epoch + 1)).rowcount

    def checkpoint(self, write: CheckpointWrite) -> None:
        """See LeaseTable."""
        key = (write.mapping_id, write.shard_id)
        run = self._connection.exec_driver_sql
        proof = lease_checksum.checksum(*key, checkpoint=write.checkpoint, ended=write.ended, state=write.state)
        changed = run(_CHECKPOINT, (write.checkpoint, write.ended, proof, *key, write.owner, write.epoch))
        if changed.rowcount != 1:
            raise LeaseLost
        if write.state is None:
            run(_FORGET_STATE, key)
        else:
            run(_KEEP_STATE, (*key, write.state))
        sql_dead_letters.insert_all(self._connection, write.dead_letters)
        if write.children:
            row = self.read(*key)
            assert row is not None, "the row was updated in this transaction"
            sql_start.insert_leases(self._connection, write.mapping_id, row.stream_id, write.children)

    def release(self, lease: Lease) -> None:
        """See LeaseTable."""
        changed = update(LEASE).where(
            LEASE.c.mapping_id == lease.mapping_id,
            LEASE.c.shard_id == lease.shard_id,
            LEASE.c.owner == lease.owner,
            LEASE.c.epoch == lease.epoch,
        )
        self._connection.execute(changed.values(owner=None))

    def retire(self, mapping_id: str, stream_id: str, shard_ids: Sequence[str]) -> None:
        """See LeaseTable."""
        for shard_id in shard_ids:
            gone = delete(LEASE).where(
                LEASE.c.mapping_id == mapping_id,
                LEASE.c.shard_id == shard_id,
                LEASE.c.stream_id == stream_id,
                LEASE.c.ended.is_(True),
            )
            if self._connection.execute(gone).rowcount:
                sql_start.forget_state(self._connection, mapping_id, shard_id)

    def _counter(self, worker_id: str) -> int | None:
        query = select(WORKER.c.counter).where(WORKER.c.worker_id == worker_id)
        return self._connection.execute(query).scalar_one_or_none()

    def _incarnation(self, mapping_id: str) -> str | None:
        query = select(MAPPING.c.stream_id).where(MAPPING.c.mapping_id == mapping_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise MappingNotFound(mapping_id)
        stream_id: str | None = row.stream_id
        return stream_id

    def _select(self, query: sqlalchemy.Select[Any]) -> list[Lease]:
        return [_lease(row) for row in self._connection.execute(query)]


def _lease(row: Any) -> Lease:
    return Lease(
        mapping_id=row.mapping_id,
        shard_id=row.shard_id,
        stream_id=row.stream_id,
        owner=row.owner,
        epoch=row.epoch,
        checkpoint=row.checkpoint,
        state=row.state,
        generation=row.generation,
        ended=row.ended,
        is_sound=row.checksum is None or row.checksum == _checksum(row),
    )


def _checksum(row: Any) -> int:
    return lease_checksum.checksum(
        row.mapping_id, row.shard_id, checkpoint=row.checkpoint, ended=row.ended, state=row.state
    )
