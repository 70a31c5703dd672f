"""The Records promise in memory: for tests, and as the short form of what storage has to keep."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from chassis.errors import DomainError
from stream_service.core import errors, reading, reckoning, router, sequence, works
from stream_service.core.record import NewRecord
from stream_service.core.shard import Shard, children_of, shard_id, uniform_ranges
from stream_service.core.stream import Stream, StreamSpec
from stream_service.storage import segment, sql_log

REQUEST_MILLIS_MAX = 24 * 3600 * 1000
SEGMENTS_MAX = 256

OnCommitted = Callable[[Sequence[object], Sequence[object]], None]


@dataclass(slots=True)
class _Kept:
    """A stream with its shards by key; their segments are beside them, so that deleting may only mark."""

    stream: Stream
    shards: dict[int, Shard]
    horizon_millis: int
    is_deleted: bool = False


@dataclass(slots=True)
class _Request:
    spec: StreamSpec
    stream_id: str
    created_millis: int


@dataclass(slots=True)
class MemoryRecords:
    """Streams and records of one process; gone with it. Each work is a commit of its own."""

    now_millis: Callable[[], int]
    listeners: list[OnCommitted] = field(default_factory=list)
    """Told of each work and its result before the caller is."""
    _streams: list[_Kept] = field(default_factory=list)
    _segments: dict[int, list[segment.Segment]] = field(default_factory=dict)
    _requests: dict[str, _Request] = field(default_factory=dict)
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
        return self._find(name, stream_id).stream

    async def list_streams(self, *, after: str, limit: int) -> list[Stream]:
        """See ports.Records."""
        found = [kept.stream for kept in self._streams if not kept.is_deleted and kept.stream.name > after]
        return sorted(found, key=lambda stream: stream.name)[:limit]

    async def shards(self, name: str, stream_id: str = "") -> tuple[Stream, Sequence[Shard]]:
        """See ports.Records."""
        kept = self._find(name, stream_id)
        return kept.stream, list(kept.shards.values())

    def at_hand(self, stream: Stream, shard: Shard, after: int, bounds: reading.Bounds) -> reading.Found | None:
        """See ports.Records."""
        found = reading.Found(stream=stream, shard=shard, start=after, slices=[], position=after)
        rest = (each for each in self._segments[shard.key] if after < each.last <= shard.last)
        sql_log.gather(rest, found, bounds)
        return found if found.position == shard.last else None

    async def read(self, place: reading.Place, bounds: reading.Bounds) -> reading.Found:
        """See ports.Records."""
        kept = self._find(place.stream_name, place.stream_id)
        row = _shard_at(kept, place.shard_index)
        if place.after > row.last:
            raise errors.PositionAhead(row.text(place.after), row.text(row.last))
        start = max(place.after, row.horizon)
        found = reading.Found(stream=kept.stream, shard=row, start=start, slices=[], position=start)
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
            case works.Delete():
                kept = self._find(work.stream_name)
                kept.is_deleted = True
                return works.Deleted(kept.stream, list(kept.shards))
            case works.Trim():
                return self._trim(work.passed_seconds)

    def _put(self, put: works.Put) -> works.PutDone:
        kept = self._find(put.stream_name)
        commit = works.Commit(heads={}, segments=[])
        answers: list[tuple[str, str] | DomainError] = [errors.RecordTooLarge(0, 0)] * len(put.records)
        shard_key_of, bytes_max = router.Router(list(kept.shards.values())).shard_key, kept.stream.record_bytes_max
        groups: dict[int, list[int]] = {}
        for place, record in enumerate(put.records):
            if record[3] > bytes_max:
                answers[place] = errors.RecordTooLarge(record[3], bytes_max)
            else:
                groups.setdefault(shard_key_of(record[2]), []).append(place)
        for key in sorted(groups):
            texts = self._append(kept, key, [put.records[place] for place in groups[key]], commit)
            for place, text in zip(groups[key], texts, strict=True):
                answers[place] = (kept.shards[key].shard_id, text)
        return works.PutDone(answers, commit)

    def _append(self, kept: _Kept, key: int, records: Sequence[NewRecord], commit: works.Commit) -> list[str]:
        row = kept.shards[key]
        numbers, texts = sequence.next_run(row.last, self.now_millis(), len(records)), []
        for number, record in zip(numbers, records, strict=True):  # the simplest segments that keep rule L5
            made, named = segment.encode(
                key,
                f"{row.index:0{sequence.INDEX_DIGITS}d}",
                numbers=range(number, number + 1),
                previous_last=row.last,
                first_index=row.next_index,
                records=(record,),
            )
            self._segments.setdefault(key, []).append(made)
            commit.segments.append(made)
            texts += named
            row = replace(row, last=number, next_index=row.next_index + 1)
        kept.shards[key] = row
        commit.heads[key] = row.last
        self._highest = max(self._highest, row.last)
        return texts

    def _create(self, work: works.Create) -> Stream:
        now, spec = self.now_millis(), work.spec
        known = self._requests.get(work.request_id) if work.request_id else None
        if known is not None and known.created_millis >= now - REQUEST_MILLIS_MAX:
            if known.spec != spec:
                raise errors.RequestIdReused(work.request_id)
            return self._find(spec.name, known.stream_id).stream
        if any(kept.stream.name == spec.name and not kept.is_deleted for kept in self._streams):
            raise errors.StreamAlreadyExists(spec.name)
        kept = self._made(spec, now)
        self._streams.append(kept)
        if work.request_id:
            self._requests[work.request_id] = _Request(spec, kept.stream.stream_id, now)
        return kept.stream

    def _made(self, spec: StreamSpec, now: int) -> _Kept:
        floor = max(self._highest, sequence.first_of(now) - 1)
        shards = {
            self._next_key(): (index, low, high) for index, (low, high) in enumerate(uniform_ranges(spec.shard_count))
        }
        made = Stream(
            key=self._next_key(),
            stream_id=str(uuid.uuid4()),
            name=spec.name,
            retention_seconds=spec.retention_seconds,
            record_bytes_max=spec.record_bytes_max,
            created_millis=now,
            etag=uuid.uuid4().hex[:16],
            open_shard_count=spec.shard_count,
        )
        rows = {
            key: Shard(
                key=key,
                index=index,
                starting_hash_key=low,
                ending_hash_key=high,
                floor=floor,
                last=floor,
                next_index=0,
                horizon=floor,
                horizon_index=0,
            )
            for key, (index, low, high) in shards.items()
        }
        self._highest = max(self._highest, floor)
        return _Kept(made, rows, now - spec.retention_seconds * 1000)

    def _trim(self, passed_seconds: float) -> works.Trimmed:
        trimmed, horizons = 0, {}
        for kept in self._streams:
            if kept.is_deleted:
                continue
            kept.horizon_millis = reckoning.next_horizon_millis(
                kept.horizon_millis,
                now_millis=self.now_millis(),
                retention_seconds=kept.stream.retention_seconds,
                passed_seconds=passed_seconds,
            )
            for key, row in kept.shards.items():
                gone = self._take_expired(key, sequence.first_of(kept.horizon_millis), SEGMENTS_MAX - trimmed)
                if gone:
                    last = gone[-1]
                    kept.shards[key] = replace(row, horizon=last.last, horizon_index=last.first_index + last.count)
                    horizons[key] = last.last
                    trimmed += len(gone)
        trimmed += self._purge(SEGMENTS_MAX - trimmed)
        return works.Trimmed(segments=trimmed, horizons=horizons, is_complete=trimmed < SEGMENTS_MAX)

    def _take_expired(self, key: int, before: int, limit: int) -> list[segment.Segment]:
        kept = self._segments.get(key, [])
        gone = [each for each in kept if each.last < before][:limit]
        self._segments[key] = kept[len(gone) :]
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
