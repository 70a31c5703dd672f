"""What a stream service promises, as plain lists and numbers: the reference that random walks are compared with."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

KEPT_MILLIS = 24 * 3600 * 1000
HASH_KEYS = 1 << 128


def first_of(millis: int) -> int:
    """The lowest number of a millisecond."""
    return millis << 20


@dataclass
class ModelRecord:
    """A record, and what it is known by."""

    number: int
    key: str
    data: bytes
    attributes: dict[str, str]

    @property
    def millis(self) -> int:
        """When it arrived."""
        return self.number >> 20


@dataclass
class ModelBucket:
    """Tokens of one shard."""

    rate: int
    level: float
    at: float

    def take(self, now: float) -> bool:
        """Whether there was one."""
        self.level, self.at = min(self.rate, self.level + (now - self.at) * self.rate), now
        if self.level < 1 - 1e-6:
            return False
        self.level -= 1
        return True


@dataclass
class ModelShard:
    """A shard and all that it ever held."""

    index: int
    low: int
    high: int
    floor: int
    created: int
    parents: tuple[int, ...] = ()
    closed: int | None = None
    records: list[ModelRecord] = field(default_factory=list)
    horizon: int = 0
    """The number of the newest trimmed record, or the floor."""
    trimmed: int = 0
    writes: ModelBucket | None = None
    reads: ModelBucket | None = None

    @property
    def last(self) -> int:
        """The newest number."""
        return self.records[-1].number if self.records else max(self.horizon, self.floor)

    @property
    def name(self) -> str:
        """The id."""
        return f"shardId-{self.index:012d}"

    def text(self, number: int) -> str:
        """A number on the wire."""
        return f"{number:020d}{self.index:010d}"

    def after(self, number: int) -> list[ModelRecord]:
        """The records that a reader finds after a number."""
        return [each for each in self.records if each.number > number]


@dataclass
class NewOne:
    """A record to put."""

    key: str
    data: bytes
    explicit: int | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    producer: tuple[bytes, int] | None = None

    @property
    def hash_key(self) -> int:
        """Where it belongs."""
        if self.explicit is not None:
            return self.explicit
        return int.from_bytes(hashlib.md5(self.key.encode(), usedforsecurity=False).digest())

    @property
    def size(self) -> int:
        """Bytes that count."""
        text = sum(len(name.encode()) + len(value.encode()) for name, value in self.attributes.items())
        return len(self.key.encode()) + len(self.data) + text


@dataclass
class ModelStream:
    """A stream."""

    name: str
    stream_id: str
    created: int
    horizon_millis: int
    retention_seconds: int = 86_400
    record_bytes_max: int = 1 << 20
    tags: dict[str, str] = field(default_factory=dict)
    records_per_second: int = 0
    calls_per_second: int = 0
    etag: str = ""
    shards: dict[int, ModelShard] = field(default_factory=dict)
    consumers: dict[str, str] = field(default_factory=dict)
    pairs: dict[tuple[bytes, int], tuple[tuple[str, bytes], tuple[str, str], int]] = field(default_factory=dict)

    def opened(self) -> list[ModelShard]:
        """The open shards by hash key."""
        return sorted((each for each in self.shards.values() if each.closed is None), key=lambda each: each.low)

    def limits_changed(self) -> None:
        """Every bucket is full again."""
        for each in self.shards.values():
            each.writes = None

    def put(  # noqa: C901 - the rules of a put, one after the other
        self, records: list[NewOne], *, now: int, seconds: float, all_or_none: bool
    ) -> list[tuple[str, str]]:
        """For each record shard and number, or an empty text and the reason."""
        answers: list[tuple[str, str] | None] = [None] * len(records)
        refused_keys: set[str] = set()
        is_numbered = any(each.producer for each in records)
        repeats: dict[int, int] = {}
        fresh: dict[tuple[bytes, int], int] = {}
        for place, record in enumerate(records):
            known = self._known(record, now)
            first = fresh.get(record.producer) if record.producer else None
            if first is not None:
                known = ((records[first].key, records[first].data), ("", ""))
            if known is not None and known[0] == (record.key, record.data):
                if first is not None:
                    repeats[place] = first
                else:
                    answers[place] = known[1]
                continue
            reason = "PRODUCER_SEQUENCE_REUSED" if known is not None else ""
            reason = reason or self._refusal(record, seconds, is_numbered and record.key in refused_keys)
            if reason:
                answers[place] = ("", reason)
                refused_keys.add(record.key)
            elif record.producer:
                fresh[record.producer] = place
        admitted = [place for place, answer in enumerate(answers) if answer is None and place not in repeats]
        if refused_keys and all_or_none:
            for place in admitted:
                answers[place] = ("", "OTHER_RECORD_REFUSED")
                bucket = self.owner(records[place]).writes
                if bucket is not None:
                    bucket.level += 1
            admitted, fresh = [], {}
        self._store(records, admitted, answers, now)
        for place, first in repeats.items():
            answers[place] = answers[first]
        for producer, place in fresh.items():
            answer = answers[place]
            assert answer is not None
            self.pairs[producer] = ((records[place].key, records[place].data), answer, now)
        return [answer for answer in answers if answer is not None]

    def owner(self, record: NewOne) -> ModelShard:
        """The open shard that a record belongs to."""
        return next(each for each in self.opened() if each.low <= record.hash_key <= each.high)

    def _known(self, record: NewOne, now: int) -> tuple[tuple[str, bytes], tuple[str, str]] | None:
        known = self.pairs.get(record.producer) if record.producer else None
        return known[:2] if known is not None and known[2] > now - KEPT_MILLIS else None

    def _refusal(self, record: NewOne, seconds: float, follows_refused: bool) -> str:
        if follows_refused:
            return "PRECEDING_RECORD_REFUSED"
        if record.size > self.record_bytes_max:
            return "RECORD_TOO_LARGE"
        if not self.records_per_second:
            return ""
        shard = self.owner(record)
        if shard.writes is None:
            shard.writes = ModelBucket(self.records_per_second, self.records_per_second, seconds)
        return "" if shard.writes.take(seconds) else "WRITE_LIMIT_EXCEEDED"

    def _store(self, records: list[NewOne], places: list[int], answers: list[tuple[str, str] | None], now: int) -> None:
        for place in places:
            record = records[place]
            shard = self.owner(record)
            number = max(shard.last + 1, first_of(now))
            shard.records.append(ModelRecord(number, record.key, record.data, record.attributes))
            answers[place] = (shard.name, shard.text(number))

    def trim(self, *, now: int, passed_seconds: float) -> None:
        """Move the horizon, drop what lies before it, and forget closed shards that are past it."""
        wanted = now - self.retention_seconds * 1000
        self.horizon_millis = max(self.horizon_millis, min(wanted, self.horizon_millis + int(2000 * passed_seconds)))
        for shard in list(self.shards.values()):
            gone = [each for each in shard.records if each.number < first_of(self.horizon_millis)]
            if gone:
                shard.horizon = gone[-1].number
                shard.trimmed += len(gone)
                shard.records = shard.records[len(gone) :]
            if shard.closed is not None and shard.closed <= self.horizon_millis and not shard.records:
                del self.shards[shard.index]

    def listed(self, kind: str, *, index: int = 0, millis: int = 0) -> list[int]:
        """The shards that a filter keeps."""
        horizon = max(self.horizon_millis, self.created)
        time = max(horizon, millis)
        found = []
        for shard in self.shards.values():
            end = shard.closed if shard.closed is not None else 10**18
            keeps = {
                "": True,
                "AFTER_SHARD_ID": shard.index > index,
                "AT_TRIM_HORIZON": shard.created <= horizon < end,
                "FROM_TRIM_HORIZON": True,
                "AT_LATEST": shard.closed is None,
                "AT_TIMESTAMP": shard.created <= time < end,
                "FROM_TIMESTAMP": end > time,
            }
            if end > self.horizon_millis and keeps[kind]:
                found.append(shard.index)
        return sorted(found)


def assert_same(found: Any, shard: ModelShard, expected: list[ModelRecord]) -> None:
    """Records as they are answered are these of the shard."""
    assert [each.sequence_number for each in found] == [shard.text(each.number) for each in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.partition_key, one.data, dict(one.attributes)) == (other.key, other.data, other.attributes)
        assert one.approximate_arrival_unix_millis == other.millis


def assert_covered(stream: ModelStream) -> None:
    """The open shards cover the hash keys, each once."""
    opened = stream.opened()
    assert (opened[0].low, opened[-1].high) == (0, (1 << 128) - 1)
    assert all(one.high + 1 == other.low for one, other in itertools.pairwise(opened))
