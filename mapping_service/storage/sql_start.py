"""Inserting lease rows, so that an epoch never goes back (rules K1, K2)."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy
from sqlalchemy import delete, insert, select, update

from mapping_service.core.lease import NewLease
from mapping_service.storage import lease_checksum
from mapping_service.storage.tables import DELIVERY_STATE, LEASE


def insert_leases(
    connection: sqlalchemy.Connection, mapping_id: str, stream_id: str, leases: Iterable[NewLease]
) -> None:
    """Insert rows of an incarnation. Rows of it are kept; one of another is replaced, with a higher epoch."""
    for lease in leases:
        at = (LEASE.c.mapping_id == mapping_id, LEASE.c.shard_id == lease.shard_id)
        row = connection.execute(select(LEASE.c.stream_id, LEASE.c.epoch, LEASE.c.generation).where(*at)).one_or_none()
        settled: dict[str, Any] = {"checkpoint": lease.checkpoint, "ended": lease.ended}
        proof = lease_checksum.checksum(mapping_id, lease.shard_id, **settled, state=None)
        values = {"stream_id": stream_id, "owner": None, "checksum": proof, **settled}
        if row is None:
            key = {"mapping_id": mapping_id, "shard_id": lease.shard_id}
            connection.execute(insert(LEASE).values(**key, epoch=1, generation=0, **values))
        elif row.stream_id != stream_id:
            raised = {"epoch": row.epoch + 1, "generation": row.generation + 1}
            connection.execute(update(LEASE).where(*at).values(**raised, **values))
            forget_state(connection, mapping_id, lease.shard_id)


def strand_others(connection: sqlalchemy.Connection, mapping_id: str, stream_id: str) -> None:
    """Take owner and state from rows of other incarnations, and raise their epochs."""
    others = (LEASE.c.mapping_id == mapping_id, LEASE.c.stream_id != stream_id)
    for shard_id in connection.execute(select(LEASE.c.shard_id).where(*others)).scalars().all():
        forget_state(connection, mapping_id, shard_id)
    stranded = {"owner": None, "checksum": None, "epoch": LEASE.c.epoch + 1}
    connection.execute(update(LEASE).where(*others).values(**stranded))


def forget_state(connection: sqlalchemy.Connection, mapping_id: str, shard_id: str) -> None:
    """Remove a shard's delivery state, if it has one."""
    at = (DELIVERY_STATE.c.mapping_id == mapping_id, DELIVERY_STATE.c.shard_id == shard_id)
    connection.execute(delete(DELIVERY_STATE).where(*at))
