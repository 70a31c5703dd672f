"""D2 on a shared database: a look takes over what another service committed, whether there was a hint or not."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from stream_service import following, heads, subscriptions
from stream_service.core import errors, reading, resharding, works
from stream_service.core.ports import Sights
from stream_service.core.stream import ReadLimits
from tests.support import postgres_server, stream_records
from tests.support.clock import FakeClock
from tests.support.stream_records import World

pytestmark = pytest.mark.asyncio
HALF = 2**127
DAY_SECONDS = 86_400


class NoHints:
    """Every hint gets lost."""

    async def wait(self, seconds: float) -> bool:
        """There is none."""
        return False

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class Follows:
    """A service that follows, and another one that writes."""

    other: World
    known: heads.Heads
    follower: following.Follower
    woken: list[str]

    async def find(self, index: int = 0, stream_id: str = "") -> heads.Head:
        """The head of a shard; from now on it is noted when it wakes somebody."""
        found = await self.known.find(a_place(index, stream_id))
        self.known.waiters.add(("shard", found.shard.key), lambda: self.woken.append(f"shard {index}"))
        return found


def a_place(index: int = 0, stream_id: str = "") -> reading.Place:
    return reading.Place(stream_name="orders", stream_id=stream_id, shard_index=index)


@pytest_asyncio.fixture
async def follows() -> AsyncIterator[Follows]:
    """Two services on a database with a stream."""
    async with contextlib.AsyncExitStack() as stack:
        url = stack.enter_context(postgres_server.a_database())
        clock = FakeClock()
        other = await stack.enter_async_context(stream_records.on_postgres(url, clock))
        mine = await stack.enter_async_context(stream_records.on_postgres(url, clock))
        known = heads.Heads(mine.records, is_shared=True)
        pushed = subscriptions.Subscriptions(mine.records, known, clock, lambda place, found: b"")
        sights: Sights = mine.records  # type: ignore[assignment]  # on SQL it is one
        await other.create()
        yield Follows(other, known, following.Follower(sights, known, pushed, NoHints()), [])


async def test_growth_and_trimming_are_taken_over_and_wake(follows: Follows) -> None:
    head = await follows.find()
    (number,) = await follows.other.put(b"new")
    assert head.last < number
    await follows.follower.run_once()
    assert head.last == number
    assert follows.woken == ["shard 0"]

    head = await follows.find()
    follows.other.clock.advance(2 * DAY_SECONDS)
    await follows.other.trim(2 * DAY_SECONDS)
    await follows.follower.run_once()
    assert head.horizon == number
    assert follows.woken == ["shard 0"] * 2


async def test_a_look_without_news_wakes_nobody(follows: Follows) -> None:
    await follows.find()
    await follows.follower.run_once()
    assert follows.woken == []


async def test_a_split_closes_the_parent_and_wakes_who_waits_for_it(follows: Follows) -> None:
    await follows.find()
    await follows.other.reshard(resharding.Split(0, HALF))
    assert (await follows.known.find(a_place(1))).shard.parents == (0,)  # asked for before the look
    await follows.follower.run_once()
    assert follows.woken == ["shard 0"]  # and not a second time by the look
    assert not (await follows.find()).shard.is_open


async def test_settings_are_taken_over(follows: Follows) -> None:
    await follows.find()
    await follows.other.update(read_limits=ReadLimits(calls_per_second=5))
    await follows.follower.run_once()
    stream = follows.known.stream("orders")
    assert stream is not None
    assert stream.read_limits.calls_per_second == 5


async def test_a_deleted_stream_is_gone_and_wakes_who_waits_for_it(follows: Follows) -> None:
    await follows.find()
    await follows.other.delete()
    await follows.follower.run_once()
    assert follows.woken == ["shard 0"]
    assert follows.known.peek(a_place()) is None
    with pytest.raises(errors.StreamNotFound):
        await follows.find()


async def test_a_stream_made_again_is_found_at_once_and_its_old_shards_wake(follows: Follows) -> None:
    await follows.find()
    await follows.other.delete()
    made = await follows.other.create()
    assert (await follows.find(0, made.stream_id)).stream_id == made.stream_id
    assert follows.woken == ["shard 0"]


async def test_a_stream_that_somebody_waits_for_appears(follows: Follows) -> None:
    await follows.other.delete()
    follows.known.waiters.add(("stream", "orders"), lambda: follows.woken.append("stream"))
    await follows.follower.run_once()
    assert follows.woken == []
    await follows.other.create()
    await follows.follower.run_once()
    assert follows.woken == ["stream"]


async def test_what_this_service_committed_meanwhile_is_never_taken_back(follows: Follows) -> None:
    head = await follows.find()
    followed = follows.known.followed()
    seen = await follows.follower._sights.look(followed.names, ())
    commit = works.Commit(heads={head.shard.key: head.last + 5}, segments=[])
    follows.known.on_committed([None], [works.PutDone([], commit)])
    newest = head.last
    await follows.known.compare(followed, seen.streams)
    assert (await follows.find()).last == newest
