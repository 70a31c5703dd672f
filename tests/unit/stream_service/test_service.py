"""The use cases on storage in memory."""

from __future__ import annotations

import asyncio

import pytest

from chassis.errors import InvalidArgument
from stream_service import heads, service
from stream_service.core import errors, iterator, reading, sequence, starting
from stream_service.core.starting import IteratorType, Start
from stream_service.core.stream import StreamSpec
from stream_service.storage.memory import MemoryRecords
from tests.support import stream_records
from tests.support.stream_records import World, numbers

pytestmark = pytest.mark.asyncio
DAY_SECONDS = 86_400
SHARD = "shardId-000000000000"
ALL = reading.Bounds()


class House:
    """The use cases with their storage and clock."""

    def __init__(self) -> None:
        self.world: World = stream_records.in_memory()
        records = self.world.records
        assert isinstance(records, MemoryRecords)
        known = heads.Heads(records)
        records.listeners.append(known.on_committed)
        self.service = service.StreamService(records, known, iterator.Signer(b"k" * 32), self.world.clock)

    async def start(self, kind: IteratorType, **more: int) -> reading.Place:
        """The place of a new iterator on the first shard."""
        wanted = Start(stream_name="orders", shard_id=SHARD, type=kind, **more)
        return self.service.place_of_iterator((await self.service.shard_iterator(wanted))[0])

    async def read(self, place: reading.Place, *, wait: float = 0, bounds: reading.Bounds = ALL) -> reading.Page:
        """One read."""
        return await self.service.get_records(place, bounds, max_wait_seconds=wait, with_iterator=True)

    async def read_that_waits(self, place: reading.Place) -> asyncio.Task[reading.Page]:
        """A read that has begun to wait."""
        task = asyncio.create_task(self.read(place, wait=20))
        while not len(self.service.heads.waiters):
            assert not task.done()
            await asyncio.sleep(0)
        return task


async def test_a_read_that_waits_gets_the_record_that_comes() -> None:
    house = House()
    await house.world.create()
    waiting = await house.read_that_waits(await house.start(IteratorType.LATEST))
    put = await house.world.put(b"a")
    assert numbers((await waiting).found) == put
    assert len(house.service.heads.waiters) == 0


async def test_a_read_that_waits_hears_that_the_stream_is_deleted() -> None:
    house = House()
    await house.world.create()
    waiting = await house.read_that_waits(await house.start(IteratorType.LATEST))
    await house.world.delete()
    with pytest.raises(errors.StreamNotFound):
        await waiting


async def test_a_read_does_not_wait_for_what_it_may_not_have() -> None:
    house = House()
    await house.world.create()
    first = (await house.world.put(b"a"))[0]
    house.world.clock.advance(1)
    await house.world.put(b"b")
    place = reading.Place(stream_name="orders", stream_id="", shard_index=0, after=first)
    page = await house.read(place, wait=20, bounds=reading.Bounds(until=first + 1))
    assert numbers(page.found) == []


async def test_the_next_iterator_goes_on_and_says_how_far_behind_it_is() -> None:
    house = House()
    await house.world.create()
    put = await house.world.put(b"a")
    house.world.clock.advance(5)
    put += await house.world.put(b"b")
    page = await house.read(await house.start(IteratorType.TRIM_HORIZON), bounds=reading.Bounds(limit=1))
    assert (numbers(page.found), page.millis_behind) == (put[:1], 5000)
    page = await house.read(house.service.place_of_iterator(page.next_iterator))
    assert (numbers(page.found), page.millis_behind) == (put[1:], 0)


async def test_c1_a_page_carries_the_services_clock() -> None:
    house = House()
    await house.world.create()
    house.world.clock.jump(-500)
    page = await house.read(await house.start(IteratorType.TRIM_HORIZON))
    assert page.service_millis == house.world.clock.unix_millis()


async def test_records_that_were_trimmed_before_they_were_read_are_told() -> None:
    house = House()
    await house.world.create()
    begin = await house.start(IteratorType.TRIM_HORIZON)
    put = await house.world.put(b"a", b"b", b"c")
    house.world.clock.advance(DAY_SECONDS + 1)
    await house.world.trim(DAY_SECONDS + 1)
    missed = [
        (await house.read(reading.Place(stream_name="orders", stream_id="", shard_index=0, after=after))).missed
        for after in (0, begin.after, put[0], put[2])
    ]
    assert missed == [0, 3, 1, 0]


async def test_c3_an_iterator_by_time_is_at_most_the_newest_number() -> None:
    house = House()
    await house.world.create()
    house.world.clock.jump(1800)
    ahead = await house.world.put(b"a")
    house.world.clock.jump(-1800)
    house.world.clock.advance(60)
    place = await house.start(IteratorType.AT_TIMESTAMP, unix_millis=house.world.clock.unix_millis())
    assert place.after <= ahead[-1]
    later = await house.world.put(b"b")
    assert set(later) <= set(numbers((await house.read(place)).found))


async def test_an_iterator_outlives_neither_its_time_nor_its_stream() -> None:
    house = House()
    await house.world.create()
    wanted = Start(stream_name="orders", shard_id=SHARD, type=IteratorType.LATEST)
    text, _ = await house.service.shard_iterator(wanted)
    place = house.service.place_of_iterator(text)
    house.world.clock.advance(301)
    with pytest.raises(errors.ShardIteratorExpired):
        house.service.place_of_iterator(text)
    await house.world.delete()
    await house.world.create()
    with pytest.raises(errors.StreamNotFound):
        await house.read(place)


async def test_lists_are_read_page_by_page_without_gap_or_repeat() -> None:
    house = House()
    for index in range(7):
        await house.world.create(f"s{index}", shards=5)
    names, token = [], ""
    while True:
        page, token = await house.service.list_streams(3, token)
        names += [stream.name for stream in page]
        if not token:
            break
    assert names == [f"s{index}" for index in range(7)]
    shards: list[int] = []
    while True:
        listed = await house.service.shards.list("s0", page_size=2, page_token=token)
        shards, token = [*shards, *(shard.index for shard in listed.shards)], listed.next_page_token
        if not token:
            break
    assert shards == [0, 1, 2, 3, 4]


async def test_everything_that_is_wrong_is_told_at_once() -> None:
    house = House()
    with pytest.raises(InvalidArgument) as caught:
        await house.service.create_stream(StreamSpec(name="a b", shard_count=0, retention_seconds=1), "x")
    fields = [violation.field for violation in caught.value.violations]
    assert fields == ["stream_name", "shard_count", "retention_period", "request_id"]


async def test_a_position_text_is_the_shards_number() -> None:
    house = House()
    await house.world.create()
    put = await house.world.put(b"a")
    wanted = starting.Start(stream_name="orders", shard_id=SHARD, type=IteratorType.LATEST)
    assert (await house.service.shard_iterator(wanted))[1] == sequence.text_of(put[-1], 0)
