"""Enhanced fan-out on storage in memory: one read for all who stand at one place, and how a subscription ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from chassis.errors import DomainError, Unavailable
from stream_service import heads, subscriptions
from stream_service.core import errors, reading, works
from stream_service.core.resharding import Split
from stream_service.core.shard import HASH_KEYS
from stream_service.core.stream import Consumer
from stream_service.storage.memory import MemoryRecords
from tests.support import stream_records
from tests.support.stream_records import World

pytestmark = pytest.mark.asyncio
START = reading.Place(stream_name="orders", stream_id="", shard_index=0)


class House:
    """Subscriptions with their storage; an event is the data of its records, and what it says beside them."""

    def __init__(self) -> None:
        self.world: World = stream_records.in_memory()
        records = self.world.records
        assert isinstance(records, MemoryRecords)
        self.heads = heads.Heads(records)
        self.encoded = 0
        self.pushed = subscriptions.Subscriptions(records, self.heads, self.world.clock, self._encode)
        records.listeners += [self.heads.on_committed, self.pushed.on_committed]

    async def consumer(self, name: str = "audit") -> Consumer:
        """A registered consumer."""
        done = await self.world.records.write(works.Register("orders", name))
        assert isinstance(done, works.Registered)
        return done.consumer

    def _encode(self, place: reading.Place, found: reading.Found) -> bytes:
        self.encoded += 1
        data = b",".join(record.data for record in stream_records.decoded(found))
        return data + b"".join(b" child %d" % each.index for each in found.children)


async def refusal_of(events: AsyncGenerator[bytes, None]) -> DomainError:
    """The refusal that ends a subscription."""
    with pytest.raises(DomainError) as caught:
        async for _ in events:
            pass
    return caught.value


async def test_the_first_event_comes_at_once_and_later_ones_with_records() -> None:
    house = House()
    await house.world.create()
    events = house.pushed.subscribe(await house.consumer(), START)
    assert await anext(events) == b""
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    await house.world.put(b"a")
    await house.world.put(b"b")
    assert await waiting in (b"a", b"a,b")
    await events.aclose()
    assert len(house.heads.waiters) == 0


async def test_a_hundred_subscribers_of_a_shard_are_served_from_one_read() -> None:
    house = House()
    await house.world.create()
    consumers = [await house.consumer(f"c{number}") for number in range(100)]
    calls = [house.pushed.subscribe(each, START) for each in consumers]
    for each in calls:
        assert await anext(each) == b""
    before = house.encoded
    waiting = [asyncio.create_task(anext(each)) for each in calls]
    await asyncio.sleep(0)
    await house.world.put(b"a")
    assert await asyncio.gather(*waiting) == [b"a"] * 100
    assert house.encoded == before + 1


async def test_a_subscription_of_a_closed_shard_ends_with_its_children() -> None:
    house = House()
    await house.world.create()
    await house.world.put(b"a")
    events = house.pushed.subscribe(await house.consumer(), START)
    assert await anext(events) == b"a"
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    await house.world.reshard(Split(0, HASH_KEYS // 2))
    assert await waiting == b" child 1 child 2"
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_a_young_subscription_is_kept_and_an_older_one_is_taken_over() -> None:
    house = House()
    await house.world.create()
    consumer = await house.consumer()
    older = house.pushed.subscribe(consumer, START)
    await anext(older)
    refused = await refusal_of(house.pushed.subscribe(consumer, START))
    assert isinstance(refused, errors.SubscriptionInUse)
    assert refused.retry_after is not None
    assert refused.retry_after.total_seconds() == pytest.approx(5, abs=0.01)
    house.world.clock.advance(5)
    newer = house.pushed.subscribe(consumer, START)
    await anext(newer)
    assert isinstance(await refusal_of(older), errors.SubscriptionTakenOver)
    house.world.clock.advance(1)
    assert isinstance(await refusal_of(house.pushed.subscribe(consumer, START)), errors.SubscriptionInUse)


async def test_a_consumer_may_subscribe_again_at_once_when_its_call_broke() -> None:
    house = House()
    await house.world.create()
    consumer = await house.consumer()
    broken = house.pushed.subscribe(consumer, START)
    await anext(broken)
    await broken.aclose()
    assert await anext(house.pushed.subscribe(consumer, START)) == b""


async def test_a_subscription_ends_with_its_consumer_its_stream_and_the_service() -> None:
    house = House()
    await house.world.create()
    gone, staying, third = [await house.consumer(name) for name in ("gone", "staying", "third")]
    calls = [house.pushed.subscribe(each, START) for each in (gone, staying, third)]
    for each in calls:
        await anext(each)
    await house.world.records.write(works.Deregister("orders", "gone"))
    assert isinstance(await refusal_of(calls[0]), errors.ConsumerNotFound)
    ends = asyncio.create_task(refusal_of(calls[1]))
    await asyncio.sleep(0)
    await house.world.delete()
    assert isinstance(await ends, errors.StreamNotFound)
    await house.world.create()
    again = house.pushed.subscribe(await house.consumer(), START)
    await anext(again)
    house.pushed.drain()
    assert isinstance(await refusal_of(again), Unavailable)
    assert isinstance(await refusal_of(house.pushed.subscribe(third, START)), Unavailable)


async def test_what_is_kept_for_others_is_bounded() -> None:
    house = House()
    await house.world.create()
    for _ in range(24):
        await house.world.put(bytes((1 << 20) - 3))
    events = house.pushed.subscribe(await house.consumer(), START)
    for _ in range(24):
        assert len(await anext(events)) == (1 << 20) - 3
    kept = house.pushed._events
    assert 0 < kept.kept_bytes <= subscriptions.SHARED_BYTES_MAX
    house.world.clock.advance(1)
    await house.world.put(b"x")
    assert await anext(events) == b"x"
    assert kept.kept_bytes == 1


async def test_the_bytes_that_are_kept_are_those_of_the_events_that_are_kept_whatever_fails_meanwhile() -> None:
    house = House()
    await house.world.create(shards=8)
    consumers = [await house.consumer(f"c{number}") for number in range(8)]
    places = [reading.Place(stream_name="orders", stream_id="", shard_index=index) for index in range(8)]
    for _ in range(3):
        for shard in await house.world.shards():
            await house.world.put_all([("key", bytes(900_000), shard.starting_hash_key, 900_003, 900_009)] * 3)
    calls = [house.pushed.subscribe(*each) for each in zip(consumers, places, strict=True)]
    for _ in range(9):
        await asyncio.gather(*(anext(each) for each in calls))
    waiting = [asyncio.create_task(refusal_of(each)) for each in calls]
    await asyncio.sleep(0)
    await house.world.delete()
    assert {type(error) for error in await asyncio.gather(*waiting)} == {errors.StreamNotFound}
    kept = house.pushed._events
    assert kept.kept_bytes == sum(len(event.payload) for event in kept._kept.values()) <= subscriptions.SHARED_BYTES_MAX
    assert kept._reading == {}
