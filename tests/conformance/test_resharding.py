"""What every storage promises of splits and merges: records stay, keys go on in order, the hash keys stay covered."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chassis.errors import InvalidArgument
from stream_service.core import errors, listing, router, works
from stream_service.core.listing import FilterType, ShardFilter
from stream_service.core.resharding import Change, Merge, Scale, Split
from stream_service.core.shard import HASH_KEYS, Shard
from tests.conformance import stream_fixtures
from tests.support import scale
from tests.support.stream_records import World, a_record, decoded

pytestmark = pytest.mark.asyncio
HALF = HASH_KEYS // 2
DAY_SECONDS = 86_400


@pytest_asyncio.fixture(params=stream_fixtures.ENGINES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Each storage in turn."""
    async with stream_fixtures.a_world(request.param, tmp_path) as made:
        yield made


async def test_a_split_closes_the_parent_and_opens_two_children(world: World) -> None:
    await world.create()
    (parent,) = await world.shards()
    done = await world.reshard(Split(0, HALF))
    closed, low, high = await world.shards()
    assert (closed.is_open, closed.index, closed.last) == (False, 0, parent.last)
    assert [(each.index, each.parents, each.is_open) for each in (low, high)] == [(1, (0,), True), (2, (0,), True)]
    assert [(each.starting_hash_key, each.ending_hash_key) for each in (low, high)] == [
        (0, HALF - 1),
        (HALF, HASH_KEYS - 1),
    ]
    assert low.created_millis == high.created_millis == closed.closed_millis
    assert (list(done.outcome.closed), list(done.outcome.created)) == ([closed], [low, high])
    assert done.stream.open_shard_count == 2


async def test_a_merge_names_both_parents(world: World) -> None:
    await world.create(shards=2)
    done = await world.reshard(Merge(0, 1))
    (child,) = done.outcome.created
    assert (child.parents, child.starting_hash_key, child.ending_hash_key) == ((0, 1), 0, HASH_KEYS - 1)
    assert [each.is_open for each in await world.shards()] == [False, False, True]


async def test_records_stay_in_the_parent_and_new_ones_go_to_the_child(world: World) -> None:
    await world.create()
    before = await world.put(b"a", b"b")
    await world.reshard(Split(0, HALF))
    after = await world.put(b"c")
    index = 1 if router.hash_key_of("key") < HALF else 2
    assert await world.data() == [b"a", b"b"]
    assert await world.data(index=index) == [b"c"]
    assert after[0] > before[-1]
    found = await world.read(before[-1])
    assert found.is_end
    assert [each.index for each in found.children] == [1, 2]


async def test_a_keys_numbers_rise_through_splits_and_merges_when_the_clock_goes_back(world: World) -> None:
    await world.create()
    numbers = await world.put(b"1")
    for change in (Split(0, HALF), Merge(1, 2), Split(3, HALF)):
        world.clock.jump(-3600)
        await world.reshard(change)
        numbers += await world.put(b"more")
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Split(0, 0), "new_starting_hash_key"),
        (Split(0, 1), "new_starting_hash_key"),
        (Split(0, HALF - 1), "new_starting_hash_key"),
        (Split(0, HALF), "new_starting_hash_key"),
        (Merge(1, 0), "adjacent_shard_id"),
        (Merge(0, 0), "adjacent_shard_id"),
        (Scale(0), "target_shard_count"),
        (Scale(5), "target_shard_count"),
    ],
)
async def test_a_change_that_does_not_fit_is_refused_and_changes_nothing(
    world: World, change: Change, field: str
) -> None:
    await world.create(shards=2)
    before = await world.shards()
    with pytest.raises(InvalidArgument) as caught:
        await world.reshard(change)
    assert [each.field for each in caught.value.violations] == [field]
    assert await world.shards() == before


async def test_a_closed_shard_is_not_split_or_merged_again(world: World) -> None:
    await world.create(shards=2)
    await world.reshard(Split(0, 1000))
    for change in (Split(0, 500), Merge(0, 1)):
        with pytest.raises(InvalidArgument, match="closed"):
            await world.reshard(change)
    with pytest.raises(errors.ShardNotFound):
        await world.reshard(Split(7, 1000))


async def test_a_split_may_begin_after_the_second_and_end_before_the_last_hash_key(world: World) -> None:
    await world.create(shards=2)
    await world.reshard(Split(0, 2))
    await world.reshard(Split(1, HASH_KEYS - 2))


@pytest.mark.parametrize("seed", range(scale.choose(small=2, full=20)))
async def test_random_changes_keep_the_hash_keys_covered_and_every_keys_order(world: World, seed: int) -> None:
    chance = random.Random(f"reshard {seed}")
    await world.create(shards=3)
    put: dict[str, list[bytes]] = {f"key {number}": [] for number in range(12)}
    for turn in range(12):
        for key, sent in put.items():
            sent.append(f"{turn} {key}".encode())
            await world.put_all([a_record(sent[-1], key=key)])
        await world.reshard(_any_change(chance, await world.shards()))
        world.clock.jump(chance.choice([-5, 0, 5]))
        stream, shards = await world.records.shards("orders")
        _assert_covered([each for each in shards if each.is_open])
        for at in {each.created_millis for each in shards}:
            _assert_covered(listing.select(stream, shards, ShardFilter(type=FilterType.AT_TIMESTAMP, unix_millis=at)))
    assert await _by_lineage(world) == put


def _any_change(chance: random.Random, shards: list[Shard] | object) -> Change:
    assert isinstance(shards, list)
    opened = sorted((each for each in shards if each.is_open), key=lambda each: each.starting_hash_key)
    kind = chance.choice(["split", "merge", "scale"])
    if kind == "merge" and len(opened) > 1:
        place = chance.randrange(len(opened) - 1)
        return Merge(opened[place].index, opened[place + 1].index)
    if kind == "scale":
        return Scale(chance.randint((len(opened) + 1) // 2, 2 * len(opened)))
    shard = chance.choice(opened)
    return Split(shard.index, chance.randint(shard.starting_hash_key + 2, shard.ending_hash_key - 1))


def _assert_covered(shards: list[Shard]) -> None:
    ordered = sorted(shards, key=lambda each: each.starting_hash_key)
    assert ordered[0].starting_hash_key == 0
    assert ordered[-1].ending_hash_key == HASH_KEYS - 1
    assert all(one.ending_hash_key + 1 == other.starting_hash_key for one, other in itertools.pairwise(ordered))


async def _by_lineage(world: World) -> dict[str, list[bytes]]:
    """Data by key, reading parents before their children."""
    found: dict[str, list[bytes]] = {}
    for shard in await world.shards():  # a child's index is higher than its parents'
        after = 0
        while (read := await world.read(after, index=shard.index)).slices:
            for record in decoded(read):
                found.setdefault(record.partition_key, []).append(record.data)
            after = read.position
    return found


async def test_a_closed_shard_past_retention_is_forgotten_with_its_records(world: World) -> None:
    await world.create()
    await world.put(b"old")
    await world.reshard(Split(0, HALF))
    world.clock.advance(DAY_SECONDS - 10)
    trimmed = await world.trim(DAY_SECONDS)
    assert [each.index for each in await world.shards()] == [0, 1, 2]
    world.clock.advance(20)
    trimmed = await world.trim(DAY_SECONDS)
    assert trimmed.expired.keys() == {"orders"}
    assert [each.index for each in await world.shards()] == [1, 2]
    with pytest.raises(errors.ShardNotFound):
        await world.read()
    done = await world.reshard(Split(1, 1000))
    assert [each.index for each in done.outcome.created] == [3, 4]


async def test_no_number_is_given_again_after_a_split_and_a_delete(world: World) -> None:
    await world.create()
    await world.put(b"a")
    await world.reshard(Split(0, HALF))
    highest = max(each.last for each in await world.shards())
    await world.delete()
    world.clock.jump(-3600)
    await world.create()
    assert (await world.put(b"b"))[0] > highest


async def test_a_split_while_another_stream_goes_on_leaves_it_alone(world: World) -> None:
    await world.create()
    await world.create("bills")
    before = await world.shards("bills")
    await world.records.write(works.Reshard("orders", Split(0, HALF)))
    assert await world.shards("bills") == before
