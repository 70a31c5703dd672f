"""The use cases of the stream service, in core types. Everything is checked before anything is written."""

from __future__ import annotations

import itertools
from dataclasses import replace

from chassis.errors import Unavailable, Violations
from stream_service import heads
from stream_service.consumer_service import ConsumerService
from stream_service.core import errors, iterator, limits, reading, sequence, starting, stream, throttle, works
from stream_service.core.ports import Clock, Records
from stream_service.core.shard import Shard, parse_shard_id
from stream_service.core.stream import Stream
from stream_service.page_tokens import PageTokens
from stream_service.peek_service import PeekService
from stream_service.shard_service import ShardService

PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_CAP = 1_000


class StreamService:
    """Streams and their records."""

    def __init__(self, records: Records, known: heads.Heads, signer: iterator.Signer, clock: Clock) -> None:
        self._records = records
        self.heads = known
        self._signer = signer
        self._tokens = PageTokens(signer, clock)
        self._clock = clock
        self._nonces = itertools.count()
        self._throttles = throttle.ReadThrottles()
        self._is_draining = False
        self.shards = ShardService(records, self._tokens, clock)
        self.consumers = ConsumerService(records, self._tokens)
        self.peeks = PeekService(records)

    def now_millis(self) -> int:
        """The service's clock (rule C1)."""
        return self._clock.unix_millis()

    async def create_stream(self, spec: stream.StreamSpec, request_id: str) -> Stream:
        """Create a stream. Raises InvalidArgument, StreamAlreadyExists, RequestIdReused."""
        problems = Violations()
        limits.check_spec(problems, spec)
        limits.check_uuid(problems, "request_id", request_id)
        problems.raise_if_any()
        created = await self._records.write(works.Create(spec, request_id))
        assert isinstance(created, Stream)
        return created

    async def describe_stream(self, name: str) -> Stream:
        """One stream. Raises InvalidArgument, StreamNotFound."""
        _check_name(name)
        return await self._records.find_stream(name)

    async def update_stream(self, change: stream.StreamChange, request_id: str) -> Stream:
        """Change checked settings. Raises InvalidArgument, StreamNotFound, EtagMismatch, RequestIdReused."""
        problems = Violations()
        limits.check_uuid(problems, "request_id", request_id)
        problems.raise_if_any()
        updated = await self._records.write(works.Update(change, request_id))
        assert isinstance(updated, works.Updated)
        return updated.stream

    async def delete_stream(self, name: str, *, force: bool) -> None:
        """Delete a stream. Raises InvalidArgument, StreamNotFound, StreamHasConsumers unless forced."""
        _check_name(name)
        await self._records.write(works.Delete(name, force))

    async def list_streams(self, page_size: int, page_token: str) -> tuple[list[Stream], str]:
        """A page of streams by name, and the token of the next. Raises InvalidArgument, InvalidPageToken."""
        size = _page_size(page_size, PAGE_SIZE_DEFAULT)
        after = self._tokens.start("streams", page_token)
        found = await self._records.list_streams(after=after, limit=size + 1)
        token = self._tokens.make("streams", found[size - 1].name) if len(found) > size else ""
        return found[:size], token

    async def put_records(self, put: works.Put) -> works.PutDone:
        """Put checked records; answered when they are on disk. Raises StreamNotFound and what the writer does."""
        done = await self._records.write(put)
        assert isinstance(done, works.PutDone)
        return done

    async def shard_iterator(self, wanted: starting.Start) -> tuple[str, str]:
        """An iterator and its position. Raises InvalidArgument, StreamNotFound, ShardNotFound."""
        place, shard = await self.start(wanted)
        return self._iterator(place), shard.text(place.after)

    async def start(self, wanted: starting.Start, *, type_field: str = "type") -> tuple[reading.Place, Shard]:
        """The place that a start means, and its shard. Raises InvalidArgument, StreamNotFound, ShardNotFound."""
        problems = Violations()
        limits.check_name(problems, "stream_name", wanted.stream_name)
        index = _shard_index(problems, "shard_id", wanted.shard_id)
        starting.check(problems, wanted, now_millis=self.now_millis(), type_field=type_field)
        problems.raise_if_any()
        found, shards = await self._records.shards(wanted.stream_name)
        shard = starting.find_shard(found, shards, index)
        after = starting.resolve(wanted, shard)
        place = reading.Place(stream_name=found.name, stream_id=found.stream_id, shard_index=index, after=after)
        return place, shard

    def place_of_iterator(self, text: str) -> reading.Place:
        """Where an iterator stands. Raises InvalidShardIterator, ShardIteratorExpired."""
        return self._signer.read_iterator(text.strip('"'), now_millis=self.now_millis())

    async def get_records(
        self, place: reading.Place, bounds: reading.Bounds, *, max_wait_seconds: float, with_iterator: bool
    ) -> reading.Page:
        """Records after a place; waits for the first one if asked to.

        Raises ReadLimitExceeded and what Records.read does.
        """
        limited = self._limited(await self.heads.find(place), place)
        found = self._at_hand(place, bounds) or await self._records.read(place, bounds)
        if max_wait_seconds and _may_grow(found, bounds):
            found = await self._read_when_grown(
                replace(place, stream_id=found.stream.stream_id), bounds, max_wait_seconds
            )
        if limited is not None:
            limited.took(sum(sum(each.sizes) for each in found.slices))
        return self.page(place, found, with_iterator=with_iterator)

    def new_records(self, place: reading.Place, bytes_max: int) -> reading.Page | None:
        """All records after a place, if they are few and at hand; for a watch, which must not wait for the disk.

        None where reads are limited: they are counted when they are asked for.
        """
        stream = self.heads.stream(place.stream_name)
        if stream is None or stream.read_limits.is_set:
            return None
        found = self._at_hand(place, reading.Bounds(bytes_max=bytes_max))
        is_small = found is not None and sum(sum(each.sizes) for each in found.slices) <= bytes_max
        return self.page(place, found, with_iterator=False) if found is not None and is_small else None

    def _limited(self, head: heads.Head, place: reading.Place) -> throttle.ReadThrottle | None:
        """Count a call where reads are limited. Raises ReadLimitExceeded."""
        stream = self.heads.stream(place.stream_name)
        if stream is None or not stream.read_limits.is_set:
            return None
        now = self._clock.monotonic()
        limited = self._throttles.of(head.shard.key, stream.read_limits, now)
        seconds = limited.enter(now)
        if seconds:
            raise errors.ReadLimitExceeded(head.shard.shard_id, seconds)
        return limited

    def _at_hand(self, place: reading.Place, bounds: reading.Bounds) -> reading.Found | None:
        """What memory can answer: everything between a place and the head of an open shard, or that there is nothing.

        A place that was trimmed, or that lies after the head, is the disk's to answer; where other services write too,
        so is that there is nothing.
        """
        known = self.heads.row(place)
        if known is None or not known[1].is_open:
            return None
        stream, shard = known
        if max(place.after, shard.horizon) == shard.last and not self.heads.is_shared:
            return reading.Found(stream=stream, shard=shard, start=shard.last, slices=[], position=shard.last)
        if not shard.horizon <= place.after < shard.last:
            return None
        return self._records.at_hand(stream, shard, place.after, bounds)

    async def _read_when_grown(self, place: reading.Place, bounds: reading.Bounds, seconds: float) -> reading.Found:
        """Register, compare with what is committed, wait for a change or the end of the time, read again."""
        deadline = self._clock.monotonic() + seconds
        while True:
            head = await self.heads.find(place)
            waiting = self.heads.waiters.begin(("shard", head.shard.key))
            try:
                if head.last <= max(place.after, head.horizon) and not self._is_draining:
                    await waiting.rest(max(0.0, deadline - self._clock.monotonic()))
            finally:
                waiting.end()
            if self._is_draining:
                raise Unavailable
            found = self._at_hand(place, bounds) or await self._records.read(place, bounds)
            if not _may_grow(found, bounds) or self._clock.monotonic() >= deadline:
                return found

    def drain(self) -> None:
        """End the reads that wait: their callers are told to try again elsewhere or later."""
        self._is_draining = True
        self.heads.waiters.wake_all()

    def page(self, place: reading.Place, found: reading.Found, *, with_iterator: bool = False) -> reading.Page:
        """What a read after a place answers."""
        now, shard = self.now_millis(), found.shard
        is_tip = found.position >= shard.last
        next_iterator = ""
        if with_iterator and not found.is_end:
            next_iterator = self._iterator(replace(place, stream_id=found.stream.stream_id, after=found.position))
        return reading.Page(
            found=found,
            missed=_missed(place, shard),
            asked=place.after,
            millis_behind=0 if is_tip else max(0, now - sequence.millis_of(found.position)),
            next_iterator=next_iterator,
            service_millis=now,
        )

    def _iterator(self, place: reading.Place) -> str:
        nonce = next(self._nonces) & 0xFFFFFFFF
        return self._signer.iterator(place, now_millis=self.now_millis(), nonce=nonce)


def _may_grow(found: reading.Found, bounds: reading.Bounds) -> bool:
    """Whether nothing was found, and something that is asked for may still come."""
    return not found.slices and not found.is_end and found.shard.last < bounds.until


def _missed(place: reading.Place, shard: Shard) -> int:
    if not 0 < place.after < shard.horizon:
        return 0
    return shard.horizon_index if place.after <= shard.floor else 1


def _check_name(name: str) -> None:
    problems = Violations()
    limits.check_name(problems, "stream_name", name)
    problems.raise_if_any()


def _page_size(asked: int, default: int) -> int:
    problems = Violations()
    limits.check_range(problems, "page_size", asked, (0, limits.PAGE_SIZE_MAX))
    problems.raise_if_any()
    return min(asked or default, PAGE_SIZE_CAP)


def _shard_index(problems: Violations, field: str, shard_id: str) -> int:
    index = parse_shard_id(shard_id)
    if index is None:
        problems.add(field, f"{shard_id[:60]!r} must be 'shardId-' and 12 digits")
    return index or 0
