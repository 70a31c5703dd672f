"""Which records of a put are stored: sizes, write limits, pairs that are known, and what follows from a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter, lt
from typing import Protocol

from chassis.errors import DomainError
from stream_service.core import errors
from stream_service.core.idempotency import Answers, Entry, Pairs, Run, digest_of
from stream_service.core.record import NewRecord
from stream_service.core.stream import Stream
from stream_service.core.works import Put

_SIZE_OF = itemgetter(3)


class Gate(Protocol):
    """The write limits of a stream's shards."""

    def take_all(self, records: Sequence[NewRecord]) -> bool:
        """Count records together; False, counting nothing, if they are too much for one of their shards."""

    def take(self, record: NewRecord) -> DomainError | None:
        """Count a record; a refusal counts nothing."""

    def give(self, record: NewRecord) -> None:
        """A record that was counted is not stored after all."""


class OpenGate:
    """Without limits."""

    def take_all(self, records: Sequence[NewRecord]) -> bool:
        """Admit them."""
        return True

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
        return range(len(self.put.records)) if self._admit_all() else self._admit_each()

    def _admit_all(self) -> bool:
        """Whether all are admitted, in the usual case: nothing is too large or too much, all numbers are new."""
        records, numbered = self.put.records, self.put.producers
        if max(map(_SIZE_OF, records)) > self.stream.record_bytes_max:
            return False
        if not numbered:
            return self.gate.take_all(records)
        first = numbered[0]
        if first is None or any(each is None or each[0] != first[0] for each in numbered):
            return False
        producer, numbers = (self.stream.key, first[0]), [each[1] for each in numbered if each is not None]
        is_rising = all(map(lt, numbers, islice(numbers, 1, None)))
        if not is_rising or not self.pairs.is_new(producer, numbers) or not self.gate.take_all(records):
            return False
        self.pairs.add_run(Run(producer, numbers, list(map(digest_of, records)), self.answers))
        return True

    def _admit_each(self) -> Sequence[int]:
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
