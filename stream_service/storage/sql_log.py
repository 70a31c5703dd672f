"""The log on SQL: puts on the writer's thread, reads on snapshots (rules L1, L2, L4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import sqlalchemy as sa

from chassis.errors import DomainError
from stream_service.core import errors, router, sequence, shard, stream, works
from stream_service.core.reading import Bounds, Found, Place
from stream_service.core.record import NewRecord
from stream_service.storage import segment, sql_catalog
from stream_service.storage.segment_cache import SegmentCache

Put = works.Put
Answers: TypeAlias = list[tuple[str, str] | DomainError]
_UNSTORED = DomainError("not stored")
_INSERT = (
    "INSERT INTO segment "
    "(shard_key, first, last, previous_last, first_index, count, format, crc, record_index, payload) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADVANCE = "UPDATE shard SET last = ?, next_index = ? WHERE key = ? AND last = ? AND is_open"
_SEGMENTS = (
    "SELECT shard_key, first, last, previous_last, first_index, count, format, crc, record_index, payload "
    "FROM segment WHERE shard_key = ? AND last > ? ORDER BY last"
)


@dataclass(slots=True)
class Tail:
    """The end of an open shard as the writer knows it."""

    key: int
    shard_id: str
    suffix: str
    """What ends the shard's sequence numbers."""
    last: int
    next_index: int


@dataclass(slots=True)
class Route:
    """A stream as the writer knows it."""

    found: stream.Stream
    router: router.Router
    tails: dict[int, Tail]


@dataclass(slots=True)
class _Waiting:
    """Records of one commit for one shard, with where their results go."""

    tail: Tail
    records: list[NewRecord] = field(default_factory=list)
    places: list[tuple[Answers, int]] = field(default_factory=list)


class SqlLog:
    """Appends to shards. Used by the writer's thread only; what it remembers is dropped after a rollback."""

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}

    def forget(self, stream_name: str | None = None) -> None:
        """Drop what is remembered of a stream, or of all."""
        if stream_name is None:
            self._routes.clear()
        else:
            self._routes.pop(stream_name, None)

    def put(self, connection: sa.Connection, puts: Sequence[Put], now_millis: Callable[[], int]) -> list[object]:
        """Store the records of all puts; for each a PutDone, or StreamNotFound."""
        results: list[object] = []
        commit = works.Commit(heads={}, segments=[])
        pending: list[tuple[Put, Answers, list[int]]] = []
        for each in puts:
            answers: Answers = [_UNSTORED] * len(each.records)
            try:
                self._route(connection, each.stream_name)
            except errors.StreamNotFound as error:
                results.append(error)
                continue
            results.append(works.PutDone(answers, commit))
            pending.append((each, answers, list(range(len(each.records)))))
        while pending:
            pending = self._put_round(connection, pending, now_millis(), commit)
        return results

    def _put_round(
        self,
        connection: sa.Connection,
        pending: list[tuple[Put, Answers, list[int]]],
        now_millis: int,
        commit: works.Commit,
    ) -> list[tuple[Put, Answers, list[int]]]:
        """Route inside the transaction and append; what met a shard that is closed meanwhile is routed again (L1)."""
        waiting: dict[int, _Waiting] = {}
        for each, answers, places in pending:
            self._distribute(self._route(connection, each.stream_name), each, answers, places, waiting)
        refused = []
        for key in sorted(waiting):  # in ascending order, so that two replicas never lock against each other
            if _append(connection, waiting[key], now_millis, commit.segments):
                commit.heads[key] = waiting[key].tail.last
            else:
                refused.append(waiting[key])
        if not refused:
            return []
        unplaced = {(id(answers), place) for each in refused for answers, place in each.places}
        again = []
        for each, answers, places in pending:
            self.forget(each.stream_name)
            left = [place for place in places if (id(answers), place) in unplaced]
            if left:
                again.append((each, answers, left))
        return again

    def _distribute(
        self, route: Route, each: Put, answers: Answers, places: Sequence[int], waiting: dict[int, _Waiting]
    ) -> None:
        """Give each record to the shard that is open for its hash key now."""
        starts, keys, bytes_max = route.router.starts, route.router.keys, route.found.record_bytes_max
        records = each.records
        for place in places:
            record = records[place]
            if record[3] > bytes_max:
                answers[place] = errors.RecordTooLarge(record[3], bytes_max)
                continue
            key = keys[bisect_right(starts, record[2]) - 1]
            group = waiting.get(key)
            if group is None:
                group = waiting[key] = _Waiting(route.tails[key])
            group.records.append(record)
            group.places.append((answers, place))

    def _route(self, connection: sa.Connection, name: str) -> Route:
        route = self._routes.get(name)
        if route is None:
            found = sql_catalog.find_stream(connection, name)
            shards = sql_catalog.shards_of(connection, found.key)
            tails = {
                each.key: Tail(each.key, each.shard_id, f"{each.index:010d}", each.last, each.next_index)
                for each in shards
                if each.is_open
            }
            route = self._routes[name] = Route(found, router.Router(shards), tails)
        return route


def _append(connection: sa.Connection, group: _Waiting, now_millis: int, segments: list[object]) -> bool:
    """Number and store the records of one shard; False, storing nothing, if its row is not as it was remembered."""
    tail, records = group.tail, group.records
    numbers = sequence.next_run(tail.last, now_millis, len(records))
    advanced = connection.exec_driver_sql(_ADVANCE, (numbers[-1], tail.next_index + len(records), tail.key, tail.last))
    if advanced.rowcount == 0:
        return False
    texts: list[str] = []
    rows = []
    for begin, end in _parts(records):
        each, made = segment.encode(
            tail.key,
            tail.suffix,
            numbers=numbers[begin:end],
            previous_last=tail.last,
            first_index=tail.next_index,
            records=records if end - begin == len(records) else records[begin:end],
        )
        texts += made
        segments.append(each)
        rows.append(segment.row_of(each))
        tail.last, tail.next_index = each.last, each.first_index + each.count
    connection.exec_driver_sql(_INSERT, rows if len(rows) > 1 else rows[0])
    shard_id = tail.shard_id
    for (answers, place), text in zip(group.places, texts, strict=True):
        answers[place] = (shard_id, text)
    return True


def _parts(records: Sequence[NewRecord]) -> Iterator[tuple[int, int]]:
    """Cut records into segments of at most segment.BYTES_MAX, or one record (L5)."""
    if sum([record[3] for record in records]) <= segment.BYTES_MAX:
        yield 0, len(records)
        return
    begin, size = 0, 0
    for place, (_, _, _, size_bytes, _) in enumerate(records):
        if size and size + size_bytes > segment.BYTES_MAX:
            yield begin, place
            begin, size = place, 0
        size += size_bytes
    yield begin, len(records)


def read(connection: sa.Connection, cache: SegmentCache, found: stream.Stream, place: Place, bounds: Bounds) -> Found:
    """Records of a shard after a place. Raises ShardNotFound, PositionAhead, RecordsDamaged.

    Segments before a damaged one are answered; a read that begins at it is refused (rule L4).
    """
    row = sql_catalog.find_shard(connection, found, place.shard_index)
    if place.after > row.last:
        raise errors.PositionAhead(row.text(place.after), row.text(row.last))
    start = max(place.after, row.horizon)
    result = Found(stream=found, shard=row, start=start, slices=[], position=start)
    is_whole = gather(_segments(connection, cache, result), result, bounds)
    if not is_whole and not result.slices:
        raise errors.RecordsDamaged(found.name, row.shard_id, row.text(result.position))
    if result.is_end:
        result.children = shard.children_of(row, sql_catalog.shards_of(connection, found.key))
    return result


def gather(segments: Iterable[segment.Segment], result: Found, bounds: Bounds) -> bool:
    """Take segments until a bound or the end; False if one that is damaged or missing came before."""
    limit, bytes_left = bounds.limit, bounds.bytes_max
    for stored in segments:
        within = Bounds(limit=limit, bytes_max=bytes_left, until=bounds.until)
        part = segment.part_of(stored, result.position, within, must_have_one=not result.slices)
        if not part.numbers:
            return True
        result.slices.append(part)
        result.position = part.numbers[-1]
        limit -= len(part.numbers)
        bytes_left -= sum(part.sizes)
        if result.position < stored.last or limit <= 0 or bytes_left <= 0:
            return True
    return result.position >= min(result.shard.last, bounds.until)


def cached(cache: SegmentCache, result: Found) -> Iterator[segment.Segment]:
    """Segments in memory that follow one on another from where the read stands, as far as the shard's row knows."""
    while (known := cache.after(result.shard.key, result.position)) is not None:
        if known.last > result.shard.last:
            return  # committed after this snapshot was taken
        yield known


def _segments(connection: sa.Connection, cache: SegmentCache, result: Found) -> Iterator[segment.Segment]:
    """Sound segments that follow one on another from where the read stands: first those in memory, then the disk's."""
    yield from cached(cache, result)
    if result.position >= result.shard.last:
        return
    rows = connection.exec_driver_sql(_SEGMENTS, (result.shard.key, result.position))
    try:
        for row in rows:
            stored = segment.Segment(*row)
            if stored.previous_last > result.position or not segment.is_sound(stored):
                return
            cache.add(stored)
            yield stored
    finally:
        rows.close()
