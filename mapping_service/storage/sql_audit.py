"""AuditLog on SQL."""

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import delete, insert, select

from mapping_service.core.audit import Action, AuditEntry
from mapping_service.storage.tables import AUDIT_ENTRY


class SqlAuditLog:
    """See AuditLog for the promises."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def add(self, entry: AuditEntry) -> None:
        """See AuditLog."""
        values = {
            "mapping_id": entry.mapping_id,
            "action": entry.action.value,
            "actor": entry.actor,
            "reason": entry.reason,
            "create_millis": entry.create_millis,
        }
        self._connection.execute(insert(AUDIT_ENTRY).values(**values))

    def list(self, mapping_id: str, *, limit: int) -> Sequence[AuditEntry]:
        """See AuditLog."""
        table = AUDIT_ENTRY.c
        columns = (table.mapping_id, table.action, table.actor, table.reason, table.create_millis)
        query = select(*columns).where(table.mapping_id == mapping_id).order_by(table.entry_key.desc()).limit(limit)
        return [
            AuditEntry(
                mapping_id=row.mapping_id,
                action=Action(row.action),
                actor=row.actor,
                reason=row.reason,
                create_millis=row.create_millis,
            )
            for row in self._connection.execute(query)
        ]

    def trim(self, *, before_millis: int, limit: int) -> int:
        """See AuditLog."""
        old = select(AUDIT_ENTRY.c.entry_key).where(AUDIT_ENTRY.c.create_millis < before_millis).limit(limit)
        return self._connection.execute(delete(AUDIT_ENTRY).where(AUDIT_ENTRY.c.entry_key.in_(old))).rowcount
