"""Records that producers numbered: each pair of producer and number is stored once (rule L6).

find -> known from storage, or from earlier in this commit: the record answers as the first one does
     -> known with another digest: refused
     -> unknown: added, stored, and kept for a day
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from chassis.errors import DomainError
from stream_service.core import errors
from stream_service.core.record import NewRecord

KEPT_MILLIS = 24 * 3600 * 1000

Answers: TypeAlias = list[tuple[str, str] | DomainError]
"""For each record of a put its shard id and sequence number, or why not."""

Producer: TypeAlias = tuple[int, bytes]
"""The key of a stream, and a producer's id."""


def digest_of(record: NewRecord) -> int:
    """Tells records of one number apart: a CRC of key and data. It is there to catch a producer's mistake."""
    return zlib.crc32(record[1], zlib.crc32(record[0].encode()))


@dataclass(frozen=True, slots=True)
class Entry:
    """A pair's record as it was stored first: its digest, and where its answer stands."""

    digest: int
    answers: Answers
    place: int


@dataclass(frozen=True, slots=True)
class Run:
    """All records of a put, numbered by one producer with rising numbers: the usual case, kept in columns."""

    producer: Producer
    numbers: Sequence[int]
    digests: Sequence[int]
    answers: Answers


@dataclass(slots=True)
class Pairs:
    """The pairs of one commit: those that storage knew, and those that are new."""

    _known: dict[Producer, dict[int, Entry]] = field(default_factory=dict)
    _fresh: dict[Producer, dict[int, Entry]] = field(default_factory=dict)
    _runs: dict[Producer, list[Run]] = field(default_factory=dict)
    _repeats: list[tuple[Answers, int, Entry]] = field(default_factory=list)

    def load(self, producer: Producer, stored: Mapping[int, tuple[int, tuple[str, str]]]) -> None:
        """Take over what storage knows: digest and answer by number."""
        known = self._known.setdefault(producer, {})
        known.update({number: Entry(digest, [answer], 0) for number, (digest, answer) in stored.items()})

    def is_new(self, producer: Producer, numbers: Sequence[int]) -> bool:
        """Whether rising numbers of a producer are all new for certain; False where they have to be looked up."""
        if producer in self._known or producer in self._fresh:
            return False
        runs = self._runs.get(producer)
        return not runs or runs[-1].numbers[-1] < numbers[0]

    def add_run(self, run: Run) -> None:
        """New pairs, which are about to be stored."""
        self._runs.setdefault(run.producer, []).append(run)

    def find(self, producer: Producer, number: int, digest: int) -> Entry | errors.ProducerSequenceReused | None:
        """What is known of a pair."""
        for run in self._runs.pop(producer, ()):
            entries = (Entry(known, run.answers, place) for place, known in enumerate(run.digests))
            self._fresh.setdefault(producer, {}).update(zip(run.numbers, entries, strict=True))
        entry = self._fresh.get(producer, {}).get(number) or self._known.get(producer, {}).get(number)
        if entry is not None and entry.digest != digest:
            return errors.ProducerSequenceReused(number)
        return entry

    def add(self, producer: Producer, number: int, entry: Entry) -> None:
        """A new pair, which is about to be stored."""
        self._fresh.setdefault(producer, {})[number] = entry

    def drop(self, producer: Producer, number: int) -> None:
        """A pair that is not stored after all."""
        del self._fresh[producer][number]

    def repeat(self, answers: Answers, place: int, entry: Entry) -> None:
        """A record that came again."""
        self._repeats.append((answers, place, entry))

    def settle(self) -> None:
        """All is stored: answer the records that came again as their first ones."""
        for answers, place, entry in self._repeats:
            answers[place] = entry.answers[entry.place]

    def fresh(self) -> Iterator[Run]:
        """New pairs that are stored, a run for each producer and put or so."""
        for runs in self._runs.values():
            yield from runs
        for producer, entries in self._fresh.items():
            if entries:
                answers = [entry.answers[entry.place] for entry in entries.values()]
                yield Run(producer, list(entries), [entry.digest for entry in entries.values()], answers)
