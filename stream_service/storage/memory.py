"""The Records promise in memory: for tests, and as the short form of what storage has to keep."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stream_service.core import (
    admission,
    errors,
    peeking,
    reading,
    reckoning,
    resharding,
    router,
    sequence,
    throttle,
    works,
)
from stream_service.core.idempotency import KEPT_MILLIS, Answers, Pairs
from stream_service.core.record import NewRecord
from stream_service.core.shard import Shard, children_of, shard_id, uniform_ranges
from stream_service.core.stream import CONSUMERS_MAX, Consumer, Stream, StreamSpec
from stream_service.storage import segment, sql_log

REQUEST_MILLIS_MAX = 24 * 3600 * 1000
SEGMENTS_MAX = 256

OnCommitted = Callable[[Sequence[object], Sequence[object]], None]


@dataclass(slots=True)
class _Kept:
    """A stream with its shards by key; their segments are beside them, so that deleting may only mark."""

    stream: Stream
    shards: dict[int, Shard]
    consumers: dict[str, Consumer] = field(default_factory=dict)
    throttles: dict[int, throttle.WriteThrottle] = field(default_factory=dict)
    pairs: dict[tuple[bytes, int], tuple[int, tuple[str, str], int]] = field(default_factory=dict)
    """Digest, answer and time by producer and number."""
    is_deleted: bool = False

    def seen(self) -> Stream:
        """The stream with what is counted of it."""
        open_count = sum(shard.is_open for shard in self.shards.values())
        return replace(self.stream, open_shard_count=open_count, consumer_count=len(self.consumers))


@dataclass(slots=True)
class _Gate:
    """The write limits of a stream (admission.Gate)."""

    kept: _Kept
    now: float

    def take_all(self, records: Sequence[NewRecord]) -> bool:
        """See admission.Gate. This one always counts them one by one."""
        return False

    def take(self, record: NewRecord) -> errors.WriteLimitExceeded | None:
        """See admission.Gate."""
        key, found = self._key(record), self.kept.stream
        limited = self.kept.throttles.get(key)
        if limited is None:
            limited = self.kept.throttles[key] = throttle.WriteThrottle(
                found.write_limits, record_bytes_max=found.record_bytes_max, now=self.now
            )
        seconds = limited.take(record[3], self.now)
        return errors.WriteLimitExceeded(self.kept.shards[key].shard_id, seconds) if seconds else None

    def give(self, record: NewRecord) -> None:
        """See admission.Gate."""
        self.kept.throttles[self._key(record)].give(record[3], 1)

    def _key(self, record: NewRecord) -> int:
        return router.Router(list(self.kept.shards.values())).shard_key(record[2])


@dataclass(slots=True)
class MemoryRecords:
    """Streams and records of one process; gone with it. Each work is a commit of its own."""

    now_millis: Callable[[], int]
    listeners: list[OnCommitted] = field(default_factory=list)
    """Told of each work and its result before the caller is."""
    _streams: list[_Kept] = field(default_factory=list)
    _segments: dict[int, list[segment.Segment]] = field(default_factory=dict)
    _requests: dict[str, tuple[object, str, int]] = field(default_factory=dict)
    """What was asked for, the stream's id and the time, by request id."""
    _highest: int = 0
    _keys: int = 0

    async def write(self, work: works.Work) -> object:
        """See ports.Records."""
        result = self._change(work)
        for listener in self.listeners:
            listener((work,), (result,))
        return result

    async def find_stream(self, name: str, stream_id: str = "") -> Stream:
        """See ports.Records."""
        return self._find(name, stream_id).seen()

    async def list_streams(self, *, after: str, limit: int) -> list[Stream]:
        """See ports.Records."""
        found = [kept.seen() for kept in self._streams if not kept.is_deleted and kept.stream.name > after]
        return sorted(found, key=lambda stream: stream.name)[:limit]

    async def shards(self, name: str, stream_id: str = "") -> tuple[Stream, Sequence[Shard]]:
        """See ports.Records."""
        kept = self._find(name, stream_id)
        return kept.seen(), list(kept.shards.values())

    async def consumers(self, name: str) -> tuple[Stream, Sequence[Consumer]]:
        """See ports.Records."""
        kept = self._find(name)
        return kept.seen(), [each for _, each in sorted(kept.consumers.items())]

    async def traffic(self, name: str, *, since_millis: int) -> Mapping[int, tuple[int, int]]:
        """See ports.Records."""
        first, kept = sequence.first_of(since_millis), self._find(name)
        found = {}
        for key, row in kept.shards.items():
            recent = [each for each in self._segments.get(key, ()) if each.last >= first]
            if row.is_open and recent:
                found[row.index] = (sum(each.count for each in recent), sum(len(each.payload) for each in recent))
        return found

    async def tails(self, name: str, indexes: Sequence[int], *, count: int) -> Sequence[peeking.Tail]:
        """See ports.Records."""
        kept = self._find(name)
        rows = [row for row in kept.shards.values() if row.index in indexes]
        return [peeking.tail_of(row, reversed(self._segments.get(row.key, ())), count) for row in rows]

    def at_hand(self, stream: Stream, shard: Shard, after: int, bounds: reading.Bounds) -> reading.Found | None:
        """See ports.Records."""
        found = reading.Found(stream=stream, shard=shard, start=after, slices=[], position=after)
        rest = (each for each in self._segments.get(shard.key, ()) if after < each.last <= shard.last)
        sql_log.gather(rest, found, bounds)
        return found if found.position == shard.last else None

    async def read(self, place: reading.Place, bounds: reading.Bounds) -> reading.Found:
        """See ports.Records."""
        kept = self._find(place.stream_name, place.stream_id)
        row = _shard_at(kept, place.shard_index)
        if place.after > row.last:
            raise errors.PositionAhead(row.text(place.after), row.text(row.last))
        start = max(place.after, row.horizon)
        found = reading.Found(stream=kept.seen(), shard=row, start=start, slices=[], position=start)
        for each in self._segments.get(row.key, ()):
            if each.last > found.position and not _take(each, found, bounds):
                break
        if found.is_end:
            found.children = children_of(row, list(kept.shards.values()))
        return found

    def _change(self, work: works.Work) -> object:
        match work:
            case works.Put():
                return self._put(work)
            case works.Create():
                return self._create(work)
            case works.Update():
                return self._update(work)
            case works.Reshard():
                return self._reshard(work)
            case works.Register():
                return self._register(work)
            case works.Deregister():
                return self._deregister(work)
            case works.Delete():
                return self._delete(work)
            case works.Trim():
                return self._trim(work.passed_seconds)

    def _put(self, put: works.Put) -> works.PutDone:
        kept = self._find(put.stream_name)
        commit = works.Commit(heads={}, segments=[])
        answers: Answers = [errors.RecordTooLarge(0, 0)] * len(put.records)
        pairs = self._pairs_of(kept, put)
        limited = kept.stream.write_limits.is_set
        gate: admission.Gate = _Gate(kept, self.now_millis() / 1000) if limited else admission.OpenGate()
        places = admission.Admission(kept.stream, put, answers, gate, pairs).admit()
        shard_key_of = router.Router(list(kept.shards.values())).shard_key
        groups: dict[int, list[int]] = {}
        for place in places:
            groups.setdefault(shard_key_of(put.records[place][2]), []).append(place)
        for key in sorted(groups):
            texts = self._append(kept, key, groups[key], put, commit)
            for place, text in zip(groups[key], texts, strict=True):
                answers[place] = (kept.shards[key].shard_id, text)
        pairs.settle()
        for run in pairs.fresh():
            for number, digest, answer in zip(run.numbers, run.digests, run.answers, strict=True):
                assert isinstance(answer, tuple)
                kept.pairs[run.producer[1], number] = (digest, answer, self.now_millis())
        return works.PutDone(answers, commit)

    def _pairs_of(self, kept: _Kept, put: works.Put) -> Pairs:
        pairs, oldest = Pairs(), self.now_millis() - KEPT_MILLIS
        for each in put.producers:
            known = kept.pairs.get(each) if each else None
            if each and known and known[2] > oldest:
                pairs.load((kept.stream.key, each[0]), {each[1]: (known[0], known[1])})
        return pairs

    def _append(
        self, kept: _Kept, key: int, places: Sequence[int], put: works.Put, commit: works.Commit
    ) -> Iterator[str]:
        row = kept.shards[key]
        numbers, texts = sequence.next_run(row.last, self.now_millis(), len(places)), list[str]()
        for number, place in zip(numbers, places, strict=True):  # the simplest segments that keep rule L5
            made, named = segment.encode(
                key,
                f"{row.index:0{sequence.INDEX_DIGITS}d}",
                numbers=range(number, number + 1),
                previous_last=row.last,
                first_index=row.next_index,
                records=(put.records[place],),
                attributes={0: put.attributes[place]} if place in put.attributes else None,
            )
            self._segments.setdefault(key, []).append(made)
            commit.segments.append(made)
            texts += named
            stored = row.stored_bytes + len(made.payload)
            row = replace(row, last=number, next_index=row.next_index + 1, stored_bytes=stored)
        kept.shards[key] = row
        commit.heads[key] = row.last
        self._highest = max(self._highest, row.last)
        return iter(texts)

    def _create(self, work: works.Create) -> Stream:
        known = self._known_request(work.request_id, work.spec)
        if known is not None:
            return self._find(work.spec.name, known).seen()
        if any(kept.stream.name == work.spec.name and not kept.is_deleted for kept in self._streams):
            raise errors.StreamAlreadyExists(work.spec.name)
        kept = self._made(work.spec, self.now_millis())
        self._streams.append(kept)
        self._keep_request(work.request_id, work.spec, kept.stream.stream_id)
        return kept.seen()

    def _made(self, spec: StreamSpec, now: int) -> _Kept:
        floor = max(self._highest, sequence.first_of(now) - 1)
        made = Stream(
            key=self._next_key(),
            stream_id=str(uuid.uuid4()),
            name=spec.name,
            retention_seconds=spec.retention_seconds,
            record_bytes_max=spec.record_bytes_max,
            created_millis=now,
            etag=uuid.uuid4().hex[:16],
            open_shard_count=spec.shard_count,
            tags=spec.tags,
            write_limits=spec.write_limits,
            read_limits=spec.read_limits,
            retention_bytes=spec.retention_bytes,
            horizon_millis=now - spec.retention_seconds * 1000,
        )
        rows = [
            Shard(
                key=self._next_key(),
                index=index,
                starting_hash_key=low,
                ending_hash_key=high,
                floor=floor,
                last=floor,
                next_index=0,
                horizon=floor,
                horizon_index=0,
                created_millis=now,
            )
            for index, (low, high) in enumerate(uniform_ranges(spec.shard_count))
        ]
        self._highest = max(self._highest, floor)
        return _Kept(made, {row.key: row for row in rows})

    def _update(self, work: works.Update) -> works.Updated:
        change, kept = work.change, self._find(work.change.name)
        known = self._known_request(work.request_id, change)
        if known is not None:
            return works.Updated(self._find(change.name, known).seen())
        if change.etag and change.etag != kept.stream.etag:
            raise errors.EtagMismatch(change.name, change.etag)
        changed = replace(kept.stream, **change.values)
        if changed != kept.stream:
            horizon = kept.stream.horizon_millis
            if changed.retention_seconds < kept.stream.retention_seconds:
                horizon = max(horizon, self.now_millis() - changed.retention_seconds * 1000)
            if (changed.write_limits, changed.record_bytes_max) != (
                kept.stream.write_limits,
                kept.stream.record_bytes_max,
            ):
                kept.throttles.clear()
            kept.stream = replace(changed, etag=uuid.uuid4().hex[:16], horizon_millis=horizon)
        self._keep_request(work.request_id, change, kept.stream.stream_id)
        return works.Updated(kept.seen())

    def _reshard(self, work: works.Reshard) -> works.Resharded:
        kept = self._find(work.stream_name)
        outcome = resharding.reshard(
            work.stream_name,
            work.change,
            list(kept.shards.values()),
            now_millis=self.now_millis(),
            highest_number=self._highest,
        )
        created = [replace(each, key=self._next_key()) for each in outcome.created]
        kept.shards.update({each.key: each for each in [*outcome.closed, *created]})
        self._highest = max([self._highest, *(each.floor for each in created)])
        outcome = resharding.Outcome(closed=outcome.closed, created=created)
        return works.Resharded(kept.seen(), outcome, list(kept.shards.values()))

    def _register(self, work: works.Register) -> works.Registered:
        kept = self._find(work.stream_name)
        asked = (kept.stream.stream_id, work.consumer_name)
        if self._known_request(work.request_id, asked) is not None:
            if work.consumer_name not in kept.consumers:
                raise errors.ConsumerNotFound(work.stream_name, work.consumer_name)
            return works.Registered(kept.seen(), kept.consumers[work.consumer_name])
        if work.consumer_name in kept.consumers:
            raise errors.ConsumerAlreadyExists(work.stream_name, work.consumer_name)
        if len(kept.consumers) >= CONSUMERS_MAX:
            raise errors.LimitExceeded("consumers of a stream", CONSUMERS_MAX)
        made = Consumer(consumer_id=str(uuid.uuid4()), name=work.consumer_name, created_millis=self.now_millis())
        kept.consumers[made.name] = made
        self._keep_request(work.request_id, asked, kept.stream.stream_id)
        return works.Registered(kept.seen(), made)

    def _deregister(self, work: works.Deregister) -> works.Deregistered:
        kept = self._find(work.stream_name)
        gone = kept.consumers.pop(work.consumer_name, None)
        if gone is None:
            raise errors.ConsumerNotFound(work.stream_name, work.consumer_name)
        return works.Deregistered(kept.seen(), gone)

    def _delete(self, work: works.Delete) -> works.Deleted:
        kept = self._find(work.stream_name)
        if kept.consumers and not work.force:
            raise errors.StreamHasConsumers(work.stream_name, len(kept.consumers))
        kept.is_deleted = True
        return works.Deleted(kept.stream, list(kept.shards))

    def _trim(self, passed_seconds: float) -> works.Trimmed:
        left, horizons, expired = SEGMENTS_MAX, dict[int, int](), dict[str, list[int]]()
        for kept in [kept for kept in self._streams if not kept.is_deleted]:
            horizon = reckoning.next_horizon_millis(
                kept.stream.horizon_millis,
                now_millis=self.now_millis(),
                retention_seconds=kept.stream.retention_seconds,
                passed_seconds=passed_seconds,
            )
            kept.stream = replace(kept.stream, horizon_millis=horizon)
            for key in list(kept.shards):
                left -= self._trim_shard(kept, key, left, horizons)
                row = kept.shards[key]
                if row.closed_millis is not None and row.closed_millis <= horizon and row.horizon >= row.last:
                    expired.setdefault(kept.stream.name, []).append(key)
                    del kept.shards[key]
        left -= self._purge(left)
        return works.Trimmed(segments=SEGMENTS_MAX - left, horizons=horizons, expired=expired, is_complete=left > 0)

    def _trim_shard(self, kept: _Kept, key: int, limit: int, horizons: dict[int, int]) -> int:
        """Drop the oldest segments that are past retention or too many; how many."""
        row, stored = kept.shards[key], self._segments.get(key, [])
        bytes_max, before = kept.stream.retention_bytes, sequence.first_of(kept.stream.horizon_millis)
        left, gone = row.stored_bytes, 0
        while gone < min(limit, len(stored)):
            is_too_many = bool(bytes_max) and left > bytes_max and gone + 1 < len(stored)
            if not (stored[gone].last < before or is_too_many):
                break
            left -= len(stored[gone].payload)
            gone += 1
        if gone:
            newest = stored[gone - 1]
            kept.shards[key] = replace(
                row, horizon=newest.last, horizon_index=newest.first_index + newest.count, stored_bytes=left
            )
            self._segments[key] = stored[gone:]
            horizons[key] = newest.last
        return gone

    def _purge(self, limit: int) -> int:
        purged = 0
        for kept in [kept for kept in self._streams if kept.is_deleted]:
            for key in kept.shards:
                segments = self._segments.get(key, [])
                left = segments[limit - purged :]
                purged += len(segments) - len(left)
                self._segments[key] = left
                if left:
                    return purged
                del self._segments[key]
            self._streams.remove(kept)
        return purged

    def _find(self, name: str, stream_id: str = "") -> _Kept:
        for kept in self._streams:
            if kept.stream.name == name and not kept.is_deleted and stream_id in ("", kept.stream.stream_id):
                return kept
        raise errors.StreamNotFound(name)

    def _known_request(self, request_id: str, asked: object) -> str | None:
        known = self._requests.get(request_id) if request_id else None
        if known is None or known[2] < self.now_millis() - REQUEST_MILLIS_MAX:
            return None
        if known[0] != asked:
            raise errors.RequestIdReused(request_id)
        return known[1]

    def _keep_request(self, request_id: str, asked: object, stream_id: str) -> None:
        if request_id:
            self._requests[request_id] = (asked, stream_id, self.now_millis())

    def _next_key(self) -> int:
        self._keys += 1
        return self._keys


def _shard_at(kept: _Kept, index: int) -> Shard:
    for row in kept.shards.values():
        if row.index == index:
            return row
    raise errors.ShardNotFound(kept.stream.name, shard_id(index))


def _take(each: segment.Segment, found: reading.Found, bounds: reading.Bounds) -> bool:
    """Take what the bounds allow of a segment; whether there is room for more."""
    taken, size = sum(len(one.numbers) for one in found.slices), sum(sum(one.sizes) for one in found.slices)
    within = reading.Bounds(limit=bounds.limit - taken, bytes_max=bounds.bytes_max - size, until=bounds.until)
    part = segment.part_of(each, found.position, within, must_have_one=not found.slices)
    if not part.numbers:
        return False
    found.slices.append(part)
    found.position = part.numbers[-1]
    return found.position == each.last
