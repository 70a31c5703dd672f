"""Which records of a put are stored: sizes, write limits, pairs that are known, and what follows from a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chassis.errors import DomainError
from stream_service.core import errors
from stream_service.core.idempotency import Answers, Entry, Pairs, digest_of
from stream_service.core.record import NewRecord
from stream_service.core.stream import Stream
from stream_service.core.works import Put


class Gate(Protocol):
    """The write limits of a stream's shards."""

    def take(self, record: NewRecord) -> DomainError | None:
        """Count a record; a refusal counts nothing."""

    def give(self, record: NewRecord) -> None:
        """A record that was counted is not stored after all."""


class OpenGate:
    """Without limits."""

    def take(self, record: NewRecord) -> DomainError | None:
        """Admit it."""
        return None

    def give(self, record: NewRecord) -> None:
        """Nothing was counted."""


@dataclass(slots=True)
class Admission:
    """Goes through the records of one put, in order."""

    stream: Stream
    put: Put
    answers: Answers
    gate: Gate
    pairs: Pairs

    def admit(self) -> Sequence[int]:
        """The places of the records to store; the answers of the others are set, or will be by Pairs.settle."""
        admitted: list[int] = []
        refused_keys: set[str] = set()
        for place, record in enumerate(self.put.records):
            known = self._known(place, record)
            if isinstance(known, Entry):
                self.pairs.repeat(self.answers, place, known)
                continue
            refusal = known or self._refusal(record, refused_keys)
            if refusal is None:
                admitted.append(place)
                self._note(place, record)
            else:
                self.answers[place] = refusal
                refused_keys.add(record[0])
        if refused_keys and self.put.is_all_or_none:
            self._take_back(admitted)
            return ()
        return admitted

    def _known(self, place: int, record: NewRecord) -> Entry | DomainError | None:
        numbered = self.put.producers[place] if self.put.producers else None
        if numbered is None:
            return None
        return self.pairs.find((self.stream.key, numbered[0]), numbered[1], digest_of(record))

    def _refusal(self, record: NewRecord, refused_keys: set[str]) -> DomainError | None:
        if self.put.producers and record[0] in refused_keys:
            return errors.PrecedingRecordRefused()
        if record[3] > self.stream.record_bytes_max:
            return errors.RecordTooLarge(record[3], self.stream.record_bytes_max)
        return self.gate.take(record)

    def _note(self, place: int, record: NewRecord) -> None:
        numbered = self.put.producers[place] if self.put.producers else None
        if numbered is not None:
            entry = Entry(digest_of(record), self.answers, place)
            self.pairs.add((self.stream.key, numbered[0]), numbered[1], entry)

    def _take_back(self, admitted: Sequence[int]) -> None:
        for place in admitted:
            self.gate.give(self.put.records[place])
            self.answers[place] = errors.OtherRecordRefused()
            numbered = self.put.producers[place] if self.put.producers else None
            if numbered is not None:
                self.pairs.drop((self.stream.key, numbered[0]), numbered[1])
