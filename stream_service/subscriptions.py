"""Enhanced fan-out: shards pushed to registered consumers. Lives on the event loop.

    read after the position -> an event -> the next position
      |                                          ^
      '- nothing there: wait for the shard, a heartbeat, or the end of the subscription

Subscribers who stand at one place share one read and one encoded event. A slow one only falls behind: it is asked for
its next event when it took the last one, and then reads from where it stands.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from chassis.errors import DomainError, Unavailable
from stream_service.core import errors, reading, works
from stream_service.core.ports import Clock, Records
from stream_service.core.stream import Consumer
from stream_service.heads import Head, Heads

HEARTBEAT_SECONDS = 5.0
TAKE_OVER_SECONDS = 5.0
"""A younger subscription than this is not taken over."""

EVENT_BYTES_MAX = 1 << 20
"""Of keys, data and attributes in one event, unless it is one larger record."""

SHARED_BYTES_MAX = 16 << 20
SHARED_SECONDS = 0.5
"""How long an event is kept for other subscribers at the same place: it tells the service's time."""

_Key: TypeAlias = tuple[int, int, int]
"""A shard, the position in it, and how far it had grown."""

Encode = Callable[[reading.Place, reading.Found], bytes]
"""The encoded event of what a read after a place found."""


@dataclass(frozen=True, slots=True)
class _Event:
    """An encoded event, and where reading goes on."""

    payload: bytes
    position: int
    is_end: bool
    has_records: bool
    made_at: float


class _SharedEvents:
    """Events by the place that they begin at; each is read once, however many ask for it at a time."""

    def __init__(self, records: Records, clock: Clock, encode: Encode) -> None:
        self._records = records
        self._clock = clock
        self._encode = encode
        self._reading: dict[_Key, asyncio.Task[_Event]] = {}
        self._kept: OrderedDict[_Key, _Event] = OrderedDict()
        self.kept_bytes = 0

    async def after(self, place: reading.Place, head: Head) -> _Event:
        """What comes after a place, as the shard is now."""
        key = _key(place, head)
        kept = self._fresh(key)
        return kept if kept is not None else await asyncio.shield(self._task(key, place))

    def begin(self, place: reading.Place, head: Head) -> None:
        """Read what comes after a place, unless that is under way or was done a moment ago."""
        key = _key(place, head)
        if self._fresh(key) is None:
            self._task(key, place)

    def _fresh(self, key: _Key) -> _Event | None:
        event = self._kept.get(key)
        return event if event is not None and not self._is_old(event) else None

    def _task(self, key: _Key, place: reading.Place) -> asyncio.Task[_Event]:
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._read(place))
            task.add_done_callback(lambda done: self._done(key, done))
        return task

    async def _read(self, place: reading.Place) -> _Event:
        found = await self._records.read(place, reading.Bounds(bytes_max=EVENT_BYTES_MAX))
        if found.is_cut and len(found.slices) > 1:
            # The next event begins with a whole segment, which memory has by now.
            found.slices.pop()
            found.position = found.slices[-1].numbers[-1]
        payload = self._encode(place, found)
        return _Event(payload, found.position, found.is_end, bool(found.slices), self._clock.monotonic())

    def _done(self, key: _Key, task: asyncio.Task[_Event]) -> None:
        """Keep what has records for a while; anything else is true for this moment only."""
        del self._reading[key]
        if not task.cancelled() and task.exception() is None and task.result().has_records:
            self._keep(key, task.result())

    def _keep(self, key: _Key, event: _Event) -> None:
        """Keep an event, and let go of the oldest ones beyond the bounds."""
        self._forget(key)
        self._kept[key] = event
        self.kept_bytes += len(event.payload)
        while self._kept:
            oldest = next(iter(self._kept))
            if self.kept_bytes <= SHARED_BYTES_MAX and not self._is_old(self._kept[oldest]):
                return
            self._forget(oldest)

    def _forget(self, key: _Key) -> None:
        event = self._kept.pop(key, None)
        if event is not None:
            self.kept_bytes -= len(event.payload)

    def _is_old(self, event: _Event) -> bool:
        return self._clock.monotonic() - event.made_at > SHARED_SECONDS


def _key(place: reading.Place, head: Head) -> _Key:
    return head.shard.key, place.after, head.last if head.shard.is_open else -1


class Subscription:
    """One call of a consumer for a shard."""

    def __init__(self, stream_name: str, started_at: float) -> None:
        self.stream_name = stream_name
        self.started_at = started_at
        self._ended: DomainError | None = None
        self._woken = asyncio.Event()

    def end(self, error: DomainError) -> None:
        """Have the call end with an error."""
        self._ended = self._ended or error
        self._woken.set()

    def wake(self) -> None:
        """Have it look at the shard again."""
        self._woken.set()

    def raise_if_ended(self) -> None:
        """Raise what it was ended with."""
        if self._ended is not None:
            raise self._ended

    async def rest(self, seconds: float) -> bool:
        """Wait to be woken, at most so long; whether it was."""
        loop = asyncio.get_running_loop()
        end = loop.call_later(seconds, self._woken.set)
        await self._woken.wait()
        end.cancel()
        self._woken.clear()
        return loop.time() < end.when()


class Subscriptions:
    """All subscriptions of this process."""

    def __init__(self, records: Records, heads: Heads, clock: Clock, encode: Encode) -> None:
        self._heads = heads
        self._clock = clock
        self._events = _SharedEvents(records, clock, encode)
        self._open: dict[tuple[str, int], tuple[Consumer, Subscription]] = {}
        self._is_draining = False

    def drain(self) -> None:
        """End all: their callers are told to subscribe again elsewhere or later."""
        self._is_draining = True
        for _, each in list(self._open.values()):
            each.end(Unavailable())

    def on_committed(self, group: Sequence[object], results: Sequence[object]) -> None:
        """End the subscriptions of consumers that are gone."""
        for result in results:
            if isinstance(result, works.Deregistered):
                self._end_all(result.stream.name, result.consumer)

    def consumer_ids(self) -> set[str]:
        """The consumers that subscribe now."""
        return {consumer.consumer_id for consumer, _ in self._open.values()}

    def keep(self, asked: Collection[str], left: Collection[str]) -> None:
        """End the subscriptions of consumers that were asked for and are gone: another service removed them."""
        for (consumer_id, _), (consumer, each) in list(self._open.items()):
            if consumer_id in asked and consumer_id not in left:
                each.end(errors.ConsumerNotFound(each.stream_name, consumer.name))

    async def subscribe(self, consumer: Consumer, place: reading.Place) -> AsyncGenerator[bytes, None]:
        """Encoded events from a place on; ends after the last one of a closed shard.

        Raises SubscriptionInUse, SubscriptionTakenOver, StreamNotFound, ShardNotFound, ConsumerNotFound, Unavailable.
        """
        head = await self._heads.find(place)
        key = (consumer.consumer_id, head.shard.key)
        mine = self._begin(key, consumer, place.stream_name, head.shard.shard_id)
        try:
            async with contextlib.aclosing(self._follow(mine, place)) as events:
                async for event in events:
                    yield event
        finally:
            if self._open.get(key, (None, None))[1] is mine:
                del self._open[key]

    def _begin(self, key: tuple[str, int], consumer: Consumer, stream_name: str, shard_id: str) -> Subscription:
        if self._is_draining:
            raise Unavailable
        now, (_, older) = self._clock.monotonic(), self._open.get(key, (None, None))
        if older is not None:
            seconds = older.started_at + TAKE_OVER_SECONDS - now
            if seconds > 0:
                raise errors.SubscriptionInUse(consumer.name, shard_id, seconds)
            older.end(errors.SubscriptionTakenOver(consumer.name, shard_id))
        mine = Subscription(stream_name, now)
        self._open[key] = (consumer, mine)
        return mine

    async def _follow(self, mine: Subscription, place: reading.Place) -> AsyncGenerator[bytes, None]:
        is_due = True  # the first event comes at once, with or without records
        while True:
            mine.raise_if_ended()
            head = await self._heads.find(place)
            remove = self._heads.waiters.add(("shard", head.shard.key), mine.wake)
            try:
                event = await self._events.after(place, head)
                if event.has_records or event.is_end or is_due:
                    place, is_due = replace(place, after=event.position), False
                    if event.position < head.last:
                        self._events.begin(place, head)  # the next one is read while this one is sent
                    yield event.payload
                    if event.is_end:
                        return
                if not event.has_records:
                    is_due = not await mine.rest(HEARTBEAT_SECONDS)
            finally:
                remove()

    def _end_all(self, stream_name: str, consumer: Consumer) -> None:
        for gone, each in list(self._open.values()):
            if gone.consumer_id == consumer.consumer_id:
                each.end(errors.ConsumerNotFound(stream_name, consumer.name))
