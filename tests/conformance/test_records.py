"""What every storage of the stream service promises: the same tests in memory, on SQLite, on PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chassis.errors import DomainError
from stream_service.core import errors, reading, sequence, works
from stream_service.core.stream import StreamSpec
from tests.conformance import stream_fixtures
from tests.support.stream_records import World, a_record, decoded, numbers

pytestmark = pytest.mark.asyncio
MIB = 1 << 20
DAY_SECONDS = 86_400


@pytest_asyncio.fixture(params=stream_fixtures.ENGINES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Each storage in turn."""
    async with stream_fixtures.a_world(request.param, tmp_path) as made:
        yield made


async def test_a_new_stream_has_its_shards_and_no_records(world: World) -> None:
    made = await world.create(shards=3)
    found, shards = await world.records.shards("orders")
    assert found == made
    assert [shard.index for shard in shards] == [0, 1, 2]
    assert all(shard.is_open and shard.last == shard.floor == shard.horizon for shard in shards)
    assert found.open_shard_count == 3
    assert await world.data() == []


async def test_a_name_is_taken_once(world: World) -> None:
    await world.create()
    with pytest.raises(errors.StreamAlreadyExists):
        await world.create()


async def test_streams_are_listed_by_name_in_pages(world: World) -> None:
    for name in ("b", "c", "a"):
        await world.create(name)
    first = await world.records.list_streams(after="", limit=2)
    rest = await world.records.list_streams(after="b", limit=2)
    assert [stream.name for stream in first] == ["a", "b"]
    assert [stream.name for stream in rest] == ["c"]


async def test_a_request_id_gives_the_same_stream_for_a_day_and_refuses_another_request(world: World) -> None:
    spec = StreamSpec(name="orders")
    made = await world.records.write(works.Create(spec, "id"))
    assert await world.records.write(works.Create(spec, "id")) == made
    with pytest.raises(errors.RequestIdReused):
        await world.records.write(works.Create(StreamSpec(name="orders", shard_count=2), "id"))
    world.clock.advance(DAY_SECONDS + 1)
    with pytest.raises(errors.StreamAlreadyExists):
        await world.records.write(works.Create(spec, "id"))


async def test_records_are_read_as_they_were_put(world: World) -> None:
    await world.create()
    put = await world.put(b"one", b"", b"three", key="kéy")
    found = await world.read()
    assert [(record.data, record.partition_key) for record in decoded(found)] == [
        (b"one", "kéy"),
        (b"", "kéy"),
        (b"three", "kéy"),
    ]
    assert [record.sequence_number for record in decoded(found)] == [sequence.text_of(number, 0) for number in put]
    assert {record.approximate_arrival_unix_millis for record in decoded(found)} == {world.clock.unix_millis()}
    assert numbers(found) == put
    assert [size for part in found.slices for size in part.sizes] == [7, 4, 9]


async def test_the_index_cuts_the_payload_at_the_records(world: World) -> None:
    await world.create()
    await world.put(b"a", b"", bytes(200), bytes(20_000), bytes(300_000), key="k" * 200)
    for after in (0, *numbers(await world.read())[:-1]):
        found = await world.read(after)
        for part in found.slices:
            begins = [0, *part.ends]
            for record, (begin, end) in zip(
                decoded(reading.Found(stream=found.stream, shard=found.shard, start=0, slices=[part], position=0)),
                zip(begins, part.ends, strict=False),
                strict=True,
            ):
                piece = reading.Slice(part.payload[begin:end], [], [], [])
                one = reading.Found(stream=found.stream, shard=found.shard, start=0, slices=[piece], position=0)
                assert decoded(one) == [record]


async def test_a_record_goes_to_the_shard_of_its_hash_key(world: World) -> None:
    await world.create(shards=4)
    _, shards = await world.records.shards("orders")
    keys = [shard.starting_hash_key for shard in shards] + [shard.ending_hash_key for shard in shards]
    done = await world.put_all([("key", b"d", hash_key, 4, 8) for hash_key in keys])
    wanted = [shard.shard_id for shard in shards] * 2
    assert [answer[0] for answer in done.answers if isinstance(answer, tuple)] == wanted


async def test_a_record_over_the_streams_bound_is_refused_alone(world: World) -> None:
    await world.create(record_bytes_max=MIB)
    done = await world.put_all([a_record(b"a"), a_record(bytes(MIB - 2)), a_record(bytes(MIB - 3))])
    assert isinstance(done.answers[1], errors.RecordTooLarge)
    assert [len(data) for data in await world.data()] == [1, MIB - 3]


async def test_a_put_without_its_stream_is_refused(world: World) -> None:
    with pytest.raises(errors.StreamNotFound):
        await world.put(b"lost")


async def test_l3_numbers_rise_when_the_clock_goes_back_or_stands(world: World) -> None:
    await world.create()
    put = await world.put(b"a", b"b")
    world.clock.jump(-3600)
    put += await world.put(b"c", b"d")
    world.clock.advance(7200)
    put += await world.put(b"e")
    assert put == sorted(set(put))
    assert await world.data() == [b"a", b"b", b"c", b"d", b"e"]


async def test_l3_shards_of_one_commit_have_numbers_that_differ_on_the_wire(world: World) -> None:
    await world.create(shards=2)
    _, shards = await world.records.shards("orders")
    done = await world.put_all([("key", b"d", shard.starting_hash_key, 4, 8) for shard in shards])
    texts = [answer[1] for answer in done.answers if isinstance(answer, tuple)]
    assert len(set(texts)) == 2


async def test_l3_a_stream_made_again_never_repeats_a_number(world: World) -> None:
    await world.create()
    world.clock.jump(1000)
    before = await world.put(b"a", b"b")
    world.clock.jump(-2000)
    await world.delete()
    while not (await world.trim(60)).is_complete:
        pass
    await world.create()
    assert (await world.put(b"c"))[0] > before[-1]


async def test_l3_a_new_streams_numbers_start_above_all_others(world: World) -> None:
    await world.create("first")
    world.clock.jump(1000)
    high = await world.put(b"a", name="first")
    world.clock.jump(-1000)
    await world.create("second")
    _, shards = await world.records.shards("second")
    assert shards[0].floor >= high[-1]


async def test_reading_keeps_count_bytes_and_end_but_gives_one_record(world: World) -> None:
    await world.create()
    put = await world.put(bytes(7), bytes(17), bytes(27))  # sizes 10, 20, 30 with the key
    assert numbers(await world.read(limit=2)) == put[:2]
    assert numbers(await world.read(bytes_max=30)) == put[:2]
    assert numbers(await world.read(bytes_max=29)) == put[:1]
    assert numbers(await world.read(bytes_max=1)) == put[:1]
    assert numbers(await world.read(until=put[1])) == put[:2]
    assert numbers(await world.read(put[0], limit=1)) == put[1:2]


async def test_an_end_between_two_records_reads_up_to_the_first(world: World) -> None:
    await world.create()
    first = await world.put(b"a")
    world.clock.advance(1)
    await world.put(b"b")
    assert numbers(await world.read(until=first[0] + 1)) == first
    assert numbers(await world.read(first[0], until=first[0] + 1)) == []


async def test_reading_over_many_commits_gives_every_record_once(world: World) -> None:
    await world.create()
    put = [number for turn in range(20) for number in await world.put(*[b"%d" % turn] * 3)]
    seen, after = [], 0
    while (found := await world.read(after, limit=7)).slices:
        seen += numbers(found)
        after = found.position
    assert seen == put
    assert after == put[-1]


async def test_c3_a_position_after_the_newest_record_is_refused(world: World) -> None:
    await world.create()
    last = (await world.put(b"a"))[-1]
    with pytest.raises(errors.PositionAhead):
        await world.read(last + 1)
    assert numbers(await world.read(last)) == []


async def test_a_place_of_another_incarnation_or_shard_is_not_found(world: World) -> None:
    old = await world.create()
    await world.delete()
    await world.create()
    place = reading.Place(stream_name="orders", stream_id=old.stream_id, shard_index=0)
    with pytest.raises(errors.StreamNotFound):
        await world.records.read(place, reading.Bounds())
    with pytest.raises(errors.ShardNotFound):
        await world.read(index=1)


async def test_a_deleted_stream_is_gone_at_once_and_its_name_is_free(world: World) -> None:
    await world.create()
    await world.put(b"old")
    deleted = await world.delete()
    assert len(deleted.shard_keys) == 1
    with pytest.raises(errors.StreamNotFound):
        await world.read()
    assert await world.records.list_streams(after="", limit=10) == []
    await world.create()
    assert await world.data() == []


async def test_a_put_after_a_delete_is_refused_or_goes_to_the_new_stream(world: World) -> None:
    await world.create()
    await world.put(b"old")
    await world.delete()
    with pytest.raises(errors.StreamNotFound):
        await world.put(b"lost")
    await world.create()
    await world.put(b"new")
    assert await world.data() == [b"new"]


async def test_l8_a_deleted_streams_records_are_purged_in_bounded_passes(world: World) -> None:
    await world.create()
    for _ in range(300):
        await world.put(b"a")
    await world.delete()
    passes = [await world.trim(60) for _ in range(3)]
    assert [one.segments for one in passes] == [256, 44, 0]
    assert [one.is_complete for one in passes] == [False, True, True]


async def test_c2_trimming_takes_what_is_older_than_the_retention_and_counts_it(world: World) -> None:
    await world.create()
    old = await world.put(b"a", b"b")
    world.clock.advance(DAY_SECONDS / 2)
    young = await world.put(b"c")
    world.clock.advance(DAY_SECONDS / 2 + 1)
    trimmed = await world.trim(DAY_SECONDS + 1)
    assert list(trimmed.horizons.values()) == [old[-1]]
    found = await world.read()
    assert numbers(found) == young
    assert (found.shard.horizon, found.shard.horizon_index, found.start) == (old[-1], 2, old[-1])


async def test_c2_a_jump_of_the_clock_moves_the_horizon_by_twice_the_passed_time_at_most(world: World) -> None:
    await world.create()
    await world.put(b"a")
    world.clock.jump(365 * DAY_SECONDS)
    assert (await world.trim(60)).segments == 0
    assert (await world.trim(DAY_SECONDS / 2)).segments == 1


async def test_c2_the_horizon_never_moves_back(world: World) -> None:
    await world.create()
    await world.put(b"a")
    world.clock.advance(DAY_SECONDS + 1)
    assert (await world.trim(DAY_SECONDS + 1)).segments == 1
    world.clock.jump(-DAY_SECONDS)
    assert (await world.trim(60)).segments == 0
    assert numbers(await world.read()) == []


async def test_a_refusal_changes_nothing(world: World) -> None:
    made = await world.create()
    with contextlib.suppress(DomainError):
        await world.records.write(works.Create(StreamSpec(name="orders", shard_count=9), "id"))
    with contextlib.suppress(DomainError):
        await world.delete("other")
    assert await world.records.find_stream("orders") == made
    assert await world.records.list_streams(after="", limit=10) == [made]
