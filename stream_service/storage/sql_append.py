"""Puts on SQL, on the writer's thread, inside its transaction (rules L1, L5, L6, L7)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from chassis.database import faults
from chassis.errors import DomainError
from stream_service.core import admission, errors, router, sequence, stream, works
from stream_service.core.idempotency import Answers, Pairs, Producer
from stream_service.core.record import NewRecord
from stream_service.core.works import Put
from stream_service.storage import segment, sql_catalog
from stream_service.storage.sql_locks import Locks
from stream_service.storage.sql_producers import Producers
from stream_service.storage.write_levels import WriteLevels

_UNSTORED = DomainError("not stored")
_INSERT = (
    "INSERT INTO segment "
    "(shard_key, first, last, previous_last, first_index, count, format, crc, record_index, payload) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADVANCE = (
    "UPDATE shard SET last = ?, next_index = ?, stored_bytes = stored_bytes + ? WHERE key = ? AND last = ? AND is_open"
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
class _Pending:
    """A put, and the places of its records that are not stored yet."""

    put: Put
    answers: Answers
    places: Sequence[int]


@dataclass(slots=True)
class _Waiting:
    """Records of one commit for one shard, with where their results go."""

    tail: Tail
    records: list[NewRecord] = field(default_factory=list)
    places: list[tuple[Answers, int]] = field(default_factory=list)
    attributes: dict[int, Mapping[str, str]] = field(default_factory=dict)


class SqlLog:
    """Appends to shards. Used by the writer's thread only; what it remembers is dropped after a rollback."""

    def __init__(self, *, monotonic: Callable[[], float], locks: Locks) -> None:
        """`monotonic` is what write limits are counted by, in seconds."""
        self._locks = locks
        self._routes: dict[str, Route] = {}
        self._levels = WriteLevels(monotonic)
        self._producers = Producers(is_shared=locks.is_shared)

    def forget(self, stream_name: str | None = None) -> None:
        """Drop what is remembered of a stream, or of all; but for the level of its write limits."""
        if stream_name is None:
            self._routes.clear()
            self._producers.forget()
            return
        self._routes.pop(stream_name, None)

    def forget_limits(self, stream_key: int) -> None:
        """Drop the level of the write limits of a stream that is gone."""
        self._levels.forget(stream_key)

    def put(self, connection: sa.Connection, puts: Sequence[Put], now_millis: Callable[[], int]) -> list[object]:
        """Store the records of all puts; for each a PutDone, or StreamNotFound."""
        results: list[object] = []
        commit, pairs = works.Commit(heads={}, segments=[]), Pairs()
        pending: list[_Pending] = []
        if self._locks.is_shared:
            self._hold(connection, puts)
        for each in puts:
            answers: Answers = [_UNSTORED] * len(each.records)
            try:
                route = self._route(connection, each.stream_name)
            except errors.StreamNotFound as error:
                results.append(error)
                continue
            results.append(works.PutDone(answers, commit))
            places = self._admit(connection, route, each, answers, pairs, now_millis)
            pending.append(_Pending(each, answers, places))
        while pending:
            pending = self._put_round(connection, pending, now_millis(), commit)
        pairs.settle()
        self._producers.store(connection, pairs, now_millis)
        return results

    def _hold(self, connection: sa.Connection, puts: Sequence[Put]) -> None:
        """Hold all that the puts write, and take over the ends of their shards as they are now.

        Raises RunAgain where a shard was closed, or a stream was changed, since they were remembered.
        """
        routes: dict[int, Route] = {}
        producers: set[Producer] = set()
        for each in puts:
            try:
                route = self._route(connection, each.stream_name)
            except errors.StreamNotFound:
                continue
            keys = set(route.router.shard_keys([record[2] for record in each.records]))
            routes.update(dict.fromkeys(keys, route))
            producers.update((route.found.key, numbered[0]) for numbered in each.producers if numbered is not None)
        self._locks.hold_producers(connection, producers)
        held = {row.key: row for row in self._locks.hold_tails(connection, sorted(routes))} if routes else {}
        for key, route in routes.items():
            row = held.get(key)
            if row is None or not row.is_open or row.etag != route.found.etag:
                self.forget(route.found.name)
                raise faults.RunAgain
            tail = route.tails[key]
            tail.last, tail.next_index = row.last, row.next_index

    def _admit(
        self,
        connection: sa.Connection,
        route: Route,
        each: Put,
        answers: Answers,
        pairs: Pairs,
        now_millis: Callable[[], int],
    ) -> Sequence[int]:
        """The places of the records to store. The usual put has nothing to look up and nothing to count."""
        found = route.found
        if each.producers:
            self._producers.load(connection, found.key, each.producers, pairs, now_millis)
        elif not each.is_all_or_none and not found.write_limits.is_set:
            return range(len(each.records))
        gate: admission.Gate = admission.OpenGate()
        if found.write_limits.is_set:
            gate = self._levels.gate(found, route.router, lambda key: route.tails[key].shard_id)
        return admission.Admission(found, each, answers, gate, pairs).admit()

    def _put_round(
        self, connection: sa.Connection, pending: Sequence[_Pending], now_millis: int, commit: works.Commit
    ) -> list[_Pending]:
        """Route inside the transaction and append; what met a shard that is closed meanwhile is routed again (L1)."""
        waiting: dict[int, _Waiting] = {}
        for each in pending:
            _distribute(self._route(connection, each.put.stream_name), each, waiting)
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
        for each in pending:
            self.forget(each.put.stream_name)
            left = [place for place in each.places if (id(each.answers), place) in unplaced]
            if left:
                again.append(_Pending(each.put, each.answers, left))
        return again

    def _route(self, connection: sa.Connection, name: str) -> Route:
        route = self._routes.get(name)
        if route is None:
            found = sql_catalog.find_stream(connection, name, is_counted=False)
            shards = sql_catalog.shards_of(connection, found.key)
            tails = {
                each.key: Tail(each.key, each.shard_id, f"{each.index:010d}", each.last, each.next_index)
                for each in shards
                if each.is_open
            }
            route = self._routes[name] = Route(found, router.Router(shards), tails)
        return route


def _distribute(route: Route, each: _Pending, waiting: dict[int, _Waiting]) -> None:
    """Give each record to the shard that is open for its hash key now."""
    starts, keys, bytes_max = route.router.starts, route.router.keys, route.found.record_bytes_max
    records, attributes, answers = each.put.records, each.put.attributes, each.answers
    for place in each.places:
        record = records[place]
        if record[3] > bytes_max:
            answers[place] = errors.RecordTooLarge(record[3], bytes_max)
            continue
        key = keys[bisect_right(starts, record[2]) - 1]
        group = waiting.get(key)
        if group is None:
            group = waiting[key] = _Waiting(route.tails[key])
        if attributes and place in attributes:
            group.attributes[len(group.records)] = attributes[place]
        group.records.append(record)
        group.places.append((answers, place))


def _append(connection: sa.Connection, group: _Waiting, now_millis: int, segments: list[object]) -> bool:
    """Number and store the records of one shard; False, storing nothing, if its row is not as it was remembered."""
    tail, records = group.tail, group.records
    made, texts = _encode(group, sequence.next_run(tail.last, now_millis, len(records)))
    end, stored_bytes = made[-1], sum([len(each.payload) for each in made])
    advanced = connection.exec_driver_sql(
        _ADVANCE, (end.last, tail.next_index + len(records), stored_bytes, tail.key, tail.last)
    )
    if advanced.rowcount == 0:
        return False
    rows = [segment.row_of(each) for each in made]
    connection.exec_driver_sql(_INSERT, rows if len(rows) > 1 else rows[0])
    segments += made
    tail.last, tail.next_index = end.last, end.first_index + end.count
    shard_id = tail.shard_id
    for (answers, place), text in zip(group.places, texts, strict=True):
        answers[place] = (shard_id, text)
    return True


def _encode(group: _Waiting, numbers: range) -> tuple[list[segment.Segment], list[str]]:
    """The segments of one shard's records, and the sequence numbers."""
    tail, records, texts = group.tail, group.records, list[str]()
    made: list[segment.Segment] = []
    for begin, end in _parts(records):
        is_all = end - begin == len(records)
        each, named = segment.encode(
            tail.key,
            tail.suffix,
            numbers=numbers[begin:end],
            previous_last=made[-1].last if made else tail.last,
            first_index=tail.next_index + begin,
            records=records if is_all else records[begin:end],
            attributes={place - begin: named for place, named in group.attributes.items() if begin <= place < end},
        )
        texts += named
        made.append(each)
    return made, texts


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
