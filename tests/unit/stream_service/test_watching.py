"""Rule D2: a watch entry is answered once, and no change falls between looking and waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from chassis.errors import InvalidArgument
from stream_service import heads, watching
from stream_service.core import reading, works
from stream_service.core.shard import Shard
from stream_service.core.stream import Stream
from stream_service.storage.memory import MemoryRecords
from stream_service.watching import Entry, Event, Reason
from tests.support import stream_records
from tests.support.stream_records import World
from tests.support.stream_shards import a_shard, a_stream

pytestmark = pytest.mark.asyncio
DAY_SECONDS = 86_400


class House:
    """Storage in memory with its heads and one watch."""

    def __init__(self) -> None:
        self.world: World = stream_records.in_memory()
        records = self.world.records
        assert isinstance(records, MemoryRecords)
        self.heads = heads.Heads(records)
        records.listeners.append(self.heads.on_committed)
        self.watch = watching.Watch(self.heads)
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended.set_result(None)

    async def events(self) -> list[Event]:
        """What the watch has to tell now."""
        return [event async for events in self.watch.batches(until=self._ended) for event in events]


def entry(number: int = 1, after: int = 0, *, stream_id: str = "") -> Entry:
    """An entry on the first shard."""
    return Entry(number, reading.Place(stream_name="orders", stream_id=stream_id, shard_index=0, after=after))


def text(number: int) -> str:
    """A number of the first shard on the wire."""
    return f"{number:020d}{0:010d}"


async def test_d2_an_append_answers_an_entry_once_with_the_head() -> None:
    house = House()
    await house.world.create()
    await house.watch.arm([entry()])
    assert await house.events() == []
    first = (await house.world.put(b"a"))[0]
    await house.world.put(b"b")
    assert await house.events() == [Event(1, Reason.GROWN, text(first))]
    assert await house.events() == []


async def test_d2_what_is_there_already_answers_at_once() -> None:
    house = House()
    await house.world.create()
    put = await house.world.put(b"a", b"b")
    await house.watch.arm([entry(1, put[0]), entry(2, put[1])])
    assert await house.events() == [Event(1, Reason.GROWN, text(put[1]))]


async def test_d2_an_entry_armed_again_replaces_the_one_before() -> None:
    house = House()
    await house.world.create()
    await house.watch.arm([entry(1)])
    await house.watch.arm([entry(1)])
    put = await house.world.put(b"a")
    assert await house.events() == [Event(1, Reason.GROWN, text(put[0]))]


async def test_a_disarmed_entry_is_silent_and_unknown_ids_are_ignored() -> None:
    house = House()
    await house.world.create()
    await house.watch.arm([entry(1), entry(2)])
    house.watch.disarm([1, 99])
    await house.world.put(b"a")
    assert [event.id for event in await house.events()] == [2]


async def test_d2_deleting_and_making_again_answer_too() -> None:
    house = House()
    made = await house.world.create()
    await house.watch.arm([entry(1), entry(2, stream_id=made.stream_id)])
    await house.world.delete()
    assert await house.events() == [Event(1, Reason.DELETED), Event(2, Reason.DELETED)]
    await house.world.create()
    await house.watch.arm([entry(3, stream_id=made.stream_id), entry(4)])
    assert await house.events() == [Event(3, Reason.DELETED)]


async def test_d2_a_stream_that_appears_answers_who_waits_for_it() -> None:
    house = House()
    wish = Entry(7, reading.Place(stream_name="orders", stream_id="", shard_index=0), waits_for_stream=True)
    await house.watch.arm([wish])
    assert await house.events() == []
    await house.world.create()
    assert await house.events() == [Event(7, Reason.APPEARED)]
    await house.watch.arm([wish])
    assert await house.events() == [Event(7, Reason.APPEARED)]


async def test_d2_trimming_past_the_place_answers() -> None:
    house = House()
    await house.world.create()
    put = await house.world.put(b"a", b"b")
    await house.watch.arm([entry(1, put[-1])])
    house.world.clock.advance(DAY_SECONDS + 1)
    await house.world.trim(DAY_SECONDS + 1)
    assert await house.events() == []
    await house.watch.arm([entry(2, put[0])])
    assert [(event.id, event.reason) for event in await house.events()] == [(2, Reason.TRIMMED)]


async def test_d2_a_closed_shard_that_is_read_answers() -> None:
    shard = a_shard(is_open=False)
    watch = watching.Watch(heads.Heads(SlowRecords([shard])))
    await watch.arm([entry(1, shard.last)])
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ended.set_result(None)
    events = [event async for batch in watch.batches(until=ended) for event in batch]
    assert events == [Event(1, Reason.CLOSED, text(shard.last))]


class SlowRecords(MemoryRecords):
    """Answers with shards as they were, when it is let."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        super().__init__(lambda: 0)
        self._answer = shards
        self.is_let = asyncio.Event()
        self.is_let.set()
        self.asked = asyncio.Event()

    async def shards(self, name: str, stream_id: str = "") -> tuple[Stream, Sequence[Shard]]:
        """The shards as they were when it was asked."""
        answer = a_stream(name), list(self._answer)
        self.asked.set()
        await self.is_let.wait()
        return answer


async def test_d2_an_append_while_the_shard_is_looked_up_is_not_lost() -> None:
    shard = a_shard()
    records = SlowRecords([shard])
    records.is_let.clear()
    known = heads.Heads(records)
    watch = watching.Watch(known)
    arming = asyncio.create_task(watch.arm([entry(1, shard.last)]))
    await records.asked.wait()
    done = works.PutDone([], works.Commit(heads={shard.key: shard.last + 1}, segments=[]))
    known.on_committed([works.Put("orders", [], 0)], [done])
    records.is_let.set()
    await arming
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ended.set_result(None)
    events = [event async for batch in watch.batches(until=ended) for event in batch]
    assert events == [Event(1, Reason.GROWN, text(shard.last + 1))]


async def test_d2_a_look_up_that_a_delete_overtook_is_made_again() -> None:
    records = SlowRecords([a_shard()])
    records.is_let.clear()
    known = heads.Heads(records)
    finding = asyncio.create_task(known.find(entry().place))
    await records.asked.wait()
    known.on_committed([works.Delete("orders")], [works.Deleted(a_stream(), [a_shard().key])])
    records._answer = [replace(a_shard(), last=a_shard().last + 9)]
    records.is_let.set()
    assert (await finding).last == a_shard().last + 9


async def test_a_watch_keeps_its_bound_of_entries_over_all_requests() -> None:
    house = House()
    house.watch = watching.Watch(house.heads, entries_max=3)
    await house.world.create()
    await house.watch.arm([entry(1), entry(2)])
    await house.watch.arm([entry(2), entry(3)])
    with pytest.raises(InvalidArgument):
        await house.watch.arm([entry(4)])
    await house.world.put(b"a")
    with pytest.raises(InvalidArgument):
        await house.watch.arm([entry(4)])
    assert len(await house.events()) == 3
    await house.watch.arm([entry(4)])


async def test_a_watch_that_ends_leaves_nobody_waiting() -> None:
    house = House()
    await house.world.create()
    wish = Entry(3, reading.Place(stream_name="later", stream_id="", shard_index=0), waits_for_stream=True)
    await house.watch.arm([entry(1), entry(2), wish])
    assert len(house.heads.waiters) == 3
    house.watch.close()
    assert len(house.heads.waiters) == 0
