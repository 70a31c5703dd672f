"""DeadLetterStore in SQL, on a transaction that somebody else opened.

How many bytes a mapping's payloads have is a counter of its own, so that a discard costs the same however many there
are (rule D5).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy
from sqlalchemy import delete, insert, select, tuple_, update

from mapping_service.core.dead_letter import Condition, DeadLetter
from mapping_service.core.errors import DeadLetterNotFound
from mapping_service.core.ports import DEAD_LETTER_BYTES_MAX, LIST_LIMIT_MAX, DeadLetterQuery
from mapping_service.storage.tables import DEAD_LETTER, DEAD_LETTER_USAGE

_SUMMARY = [column for column in DEAD_LETTER.c if column.name != "payload"]


class SqlDeadLetters:
    """Discarded batches; see DeadLetterStore for the promises."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    def list(self, query: DeadLetterQuery, *, limit: int) -> Sequence[DeadLetter]:
        """See DeadLetterStore."""
        order = (DEAD_LETTER.c.create_millis, DEAD_LETTER.c.dead_letter_id)
        found = select(*_SUMMARY).where(DEAD_LETTER.c.mapping_id == query.mapping_id).order_by(*order)
        if query.shard_id is not None:
            found = found.where(DEAD_LETTER.c.shard_id == query.shard_id)
        if query.after is not None:
            found = found.where(tuple_(*order) > tuple_(*query.after))
        rows = self._connection.execute(found.limit(min(limit, LIST_LIMIT_MAX)))
        return [_dead_letter(row, payload=b"") for row in rows]

    def get(self, dead_letter_id: str) -> DeadLetter:
        """See DeadLetterStore."""
        query = select(DEAD_LETTER).where(DEAD_LETTER.c.dead_letter_id == dead_letter_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise DeadLetterNotFound
        return _dead_letter(row, payload=row.payload)

    def payload_bytes(self, mapping_id: str) -> int:
        """See DeadLetterStore."""
        return _usage(self._connection, mapping_id) or 0

    def delete(self, dead_letter_ids: Sequence[str]) -> int:
        """See DeadLetterStore."""
        return sum(self._delete(dead_letter_id) for dead_letter_id in dict.fromkeys(dead_letter_ids))

    def trim(self, *, before_millis: int, limit: int) -> int:
        """See DeadLetterStore."""
        order = (DEAD_LETTER.c.create_millis, DEAD_LETTER.c.dead_letter_id)
        old = select(DEAD_LETTER.c.dead_letter_id).where(DEAD_LETTER.c.create_millis < before_millis)
        return self.delete(self._connection.execute(old.order_by(*order).limit(limit)).scalars().all())

    def _delete(self, dead_letter_id: str) -> int:
        one = DEAD_LETTER.c.dead_letter_id == dead_letter_id
        row = self._connection.execute(
            select(DEAD_LETTER.c.mapping_id, DEAD_LETTER.c.payload_bytes).where(one)
        ).one_or_none()
        if row is None:
            return 0
        self._connection.execute(delete(DEAD_LETTER).where(one))
        _count(self._connection, row.mapping_id, -row.payload_bytes)
        return 1


def insert_all(connection: sqlalchemy.Connection, dead_letters: Iterable[DeadLetter]) -> None:
    """Insert those that are not there yet; without its records what is beyond the mapping's quota (rule D5)."""
    for each in dead_letters:
        known = select(DEAD_LETTER.c.mapping_id).where(DEAD_LETTER.c.dead_letter_id == each.dead_letter_id)
        if connection.execute(known).one_or_none() is not None:
            continue
        used = _usage(connection, each.mapping_id) or 0
        has_room = used + len(each.payload) <= DEAD_LETTER_BYTES_MAX
        kept = each if has_room else replace(each, payload=b"")
        connection.execute(insert(DEAD_LETTER).values(**_row(kept)))
        _count(connection, kept.mapping_id, len(kept.payload))


def _usage(connection: sqlalchemy.Connection, mapping_id: str) -> int | None:
    query = select(DEAD_LETTER_USAGE.c.payload_bytes).where(DEAD_LETTER_USAGE.c.mapping_id == mapping_id)
    return connection.execute(query).scalar_one_or_none()


def _count(connection: sqlalchemy.Connection, mapping_id: str, payload_bytes: int) -> None:
    used = _usage(connection, mapping_id)
    one = DEAD_LETTER_USAGE.c.mapping_id == mapping_id
    if used is None:
        connection.execute(insert(DEAD_LETTER_USAGE).values(mapping_id=mapping_id, payload_bytes=payload_bytes))
    elif used + payload_bytes > 0:
        connection.execute(update(DEAD_LETTER_USAGE).where(one).values(payload_bytes=used + payload_bytes))
    else:
        connection.execute(delete(DEAD_LETTER_USAGE).where(one))


def _row(dead_letter: DeadLetter) -> dict[str, Any]:
    return {
        "dead_letter_id": dead_letter.dead_letter_id,
        "mapping_id": dead_letter.mapping_id,
        "shard_id": dead_letter.shard_id,
        "shard_index": dead_letter.shard_index,
        "first": dead_letter.first,
        "last": dead_letter.last,
        "record_count": dead_letter.count,
        "condition": str(dead_letter.condition),
        "attempts": dead_letter.attempts,
        "last_error": dead_letter.last_error,
        "payload_bytes": len(dead_letter.payload),
        "create_millis": dead_letter.create_millis,
        "payload": dead_letter.payload,
    }


def _dead_letter(row: Any, *, payload: bytes) -> DeadLetter:
    return DeadLetter(
        dead_letter_id=row.dead_letter_id,
        mapping_id=row.mapping_id,
        shard_id=row.shard_id,
        shard_index=row.shard_index,
        first=row.first,
        last=row.last,
        count=row.record_count,
        condition=Condition(row.condition),
        attempts=row.attempts,
        last_error=row.last_error,
        payload=payload,
        create_millis=row.create_millis,
    )
