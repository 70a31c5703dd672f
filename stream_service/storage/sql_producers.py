"""Pairs of producer and number on SQL: one packed row for each producer and commit (rules D5, L6)."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from stream_service.core import sequence, shard
from stream_service.core.idempotency import KEPT_MILLIS, Pairs, Producer, Run
from stream_service.core.works import ProducerNumber

REMEMBERED_MAX = 100_000
"""Producers whose highest number is remembered: a higher one than ever needs no look into the database."""

_ENTRY = struct.Struct("<qIqI")
_LOOK = (
    "SELECT entries FROM producer WHERE stream_key = ? AND producer_id = ? AND last_number >= ? AND first_number <= ? "
    "AND created_millis > ?"
)
_HIGHEST = "SELECT max(last_number) FROM producer WHERE stream_key = ? AND producer_id = ?"
_INSERT = (
    "INSERT INTO producer (stream_key, producer_id, first_number, last_number, created_millis, entries) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)


class Producers:
    """Finds and keeps pairs. Used by the writer's thread only."""

    def __init__(self, *, is_shared: bool = False) -> None:
        """Shared with other processes, whose numbers are not remembered here."""
        self._is_shared = is_shared
        self._highest: OrderedDict[Producer, int] = OrderedDict()

    def forget(self) -> None:
        """Drop what is remembered: a transaction did not happen."""
        self._highest.clear()

    def load(
        self,
        connection: sa.Connection,
        stream_key: int,
        numbered: Sequence[ProducerNumber | None],
        pairs: Pairs,
        now_millis: Callable[[], int],
    ) -> None:
        """Take what is stored of these pairs, and perhaps more, into `pairs`."""
        for producer, (low, high) in _ranges(stream_key, numbered).items():
            if self._is_shared or low <= self._highest_of(connection, producer):
                rows = connection.exec_driver_sql(_LOOK, (*producer, low, high, now_millis() - KEPT_MILLIS))
                for (entries,) in rows.fetchall():
                    pairs.load(producer, _unpacked(entries))

    def store(self, connection: sa.Connection, pairs: Pairs, now_millis: Callable[[], int]) -> None:
        """Keep the new pairs of a commit."""
        rows = []
        for run in pairs.fresh():
            low, high = min(run.numbers), max(run.numbers)
            rows.append((*run.producer, low, high, now_millis(), _packed(run)))
            self._remember(run.producer, max(high, self._highest.get(run.producer, 0)))
        if rows:
            connection.exec_driver_sql(_INSERT, rows if len(rows) > 1 else rows[0])

    def _highest_of(self, connection: sa.Connection, producer: Producer) -> int:
        known = self._highest.get(producer)
        if known is None:
            known = int(connection.exec_driver_sql(_HIGHEST, producer).scalar() or 0)
            self._remember(producer, known)
        return known

    def _remember(self, producer: Producer, highest: int) -> None:
        self._highest[producer] = highest
        self._highest.move_to_end(producer)
        if len(self._highest) > REMEMBERED_MAX:
            self._highest.popitem(last=False)


def trim(connection: sa.Connection, *, before_millis: int, limit: int) -> int:
    """Delete rows of before a time, at most so many; how many."""
    text = "DELETE FROM producer WHERE key IN (SELECT key FROM producer WHERE created_millis <= ? ORDER BY key LIMIT ?)"
    return connection.exec_driver_sql(text, (before_millis, limit)).rowcount


def _ranges(stream_key: int, numbered: Sequence[ProducerNumber | None]) -> dict[Producer, tuple[int, int]]:
    ranges: dict[Producer, tuple[int, int]] = {}
    for each in numbered:
        if each is not None:
            producer, number = (stream_key, each[0]), each[1]
            low, high = ranges.get(producer, (number, number))
            ranges[producer] = (min(low, number), max(high, number))
    return ranges


def _packed(run: Run) -> bytes:
    pack, split = _ENTRY.pack, sequence.NUMBER_DIGITS
    # A pair is kept when its record is stored, so each answer is a shard id and a sequence number.
    texts = [answer[1] for answer in run.answers if isinstance(answer, tuple)]
    assert len(texts) == len(run.numbers), "only stored records are kept"
    return b"".join(
        [
            pack(number, int(text[split:]), int(text[:split]), digest)
            for number, text, digest in zip(run.numbers, texts, run.digests, strict=True)
        ]
    )


def _unpacked(entries: bytes) -> dict[int, tuple[int, tuple[str, str]]]:
    return {number: (digest, answer) for number, digest, answer in _entries(entries)}


def _entries(entries: bytes) -> Iterator[tuple[int, int, tuple[str, str]]]:
    for number, index, stored, digest in _ENTRY.iter_unpack(entries):
        yield number, digest, (shard.shard_id(index), sequence.text_of(stored, index))
