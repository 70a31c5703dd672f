"""What every storage promises of numbered records (rules L6, L7), of all-or-none puts, limits, attributes, settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from stream_service.core import errors, works
from stream_service.core.record import NewRecord
from stream_service.core.resharding import Split
from stream_service.core.shard import HASH_KEYS
from stream_service.core.stream import CONSUMERS_MAX, WriteLimits
from tests.conformance import stream_fixtures
from tests.support.stream_records import World, a_record, decoded

pytestmark = pytest.mark.asyncio
ONE, OTHER = b"1" * 16, b"2" * 16
DAY_SECONDS = 86_400
MIB = 1 << 20


@pytest_asyncio.fixture(params=stream_fixtures.ENGINES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Each storage in turn, with a stream."""
    async with stream_fixtures.a_world(request.param, tmp_path) as made:
        await made.create()
        yield made


async def put(
    world: World, records: Sequence[NewRecord], numbers: Sequence[int | None], *, producer: bytes = ONE, **more: bool
) -> list[tuple[str, str] | str]:
    """Put numbered records; where each is, or the reason why not."""
    producers = [(producer, number) for number in numbers if number is not None]
    work = works.Put("orders", records, sum(record[3] for record in records), producers=producers, **more)  # type: ignore[arg-type]
    done = await world.records.write(work)
    assert isinstance(done, works.PutDone)
    return [answer if isinstance(answer, tuple) else answer.reason for answer in done.answers]


async def test_l6_a_record_that_comes_again_is_stored_once_and_answers_as_it_did_first(world: World) -> None:
    records = [a_record(b"a"), a_record(b"b")]
    first = await put(world, records, [1, 2])
    assert await put(world, records, [1, 2]) == first
    assert await put(world, [*records, a_record(b"c")], [1, 2, 9]) == [*first, (first[0][0], _last(await world.read()))]
    assert await world.data() == [b"a", b"b", b"c"]


def _last(found: object) -> str:
    return str(decoded(found)[-1].sequence_number)  # type: ignore[arg-type]


async def test_l6_another_producer_and_another_stream_have_numbers_of_their_own(world: World) -> None:
    await put(world, [a_record(b"a")], [1])
    await put(world, [a_record(b"b")], [1], producer=OTHER)
    await world.create("bills")
    done = await world.records.write(works.Put("bills", [a_record(b"c")], 4, producers=[(ONE, 1)]))
    assert isinstance(done, works.PutDone)
    assert await world.data() == [b"a", b"b"]
    assert await world.data(name="bills") == [b"c"]


async def test_l6_a_number_that_was_given_to_other_data_or_another_key_is_refused(world: World) -> None:
    await put(world, [a_record(b"a")], [1])
    assert await put(world, [a_record(b"b")], [1]) == ["PRODUCER_SEQUENCE_REUSED"]
    assert await put(world, [a_record(b"a", key="other")], [1]) == ["PRODUCER_SEQUENCE_REUSED"]
    assert await world.data() == [b"a"]


async def test_l6_a_pair_within_one_request_is_stored_once(world: World) -> None:
    one, again = await put(world, [a_record(b"a"), a_record(b"a")], [5, 5])
    assert one == again
    assert await put(world, [a_record(b"x", key="k"), a_record(b"y", key="l")], [6, 6]) == [
        (one[0], _last(await world.read())),
        "PRODUCER_SEQUENCE_REUSED",
    ]
    assert await world.data() == [b"a", b"x"]


async def test_l6_a_lower_number_that_is_new_is_stored(world: World) -> None:
    await put(world, [a_record(b"ten")], [10])
    await put(world, [a_record(b"three")], [3])
    assert await put(world, [a_record(b"three")], [3]) != ["PRODUCER_SEQUENCE_REUSED"]
    assert await world.data() == [b"ten", b"three"]


async def test_l6_a_known_pair_answers_with_its_first_shard_after_a_split(world: World) -> None:
    first = await put(world, [a_record(b"a")], [1])
    await world.reshard(Split(0, HASH_KEYS // 2))
    assert await put(world, [a_record(b"a")], [1]) == first
    assert first[0][0] == "shardId-000000000000"


async def test_l6_pairs_are_kept_for_a_day(world: World) -> None:
    await put(world, [a_record(b"a")], [1])
    world.clock.advance(DAY_SECONDS - 1)
    await put(world, [a_record(b"a")], [1])
    world.clock.advance(2)
    await put(world, [a_record(b"a")], [1])
    assert await world.data() == [b"a", b"a"]


async def test_l7_a_refused_record_refuses_the_later_ones_of_its_key(world: World) -> None:
    large = bytes(MIB)
    answers = await put(
        world,
        [a_record(large, key="a"), a_record(b"1", key="b"), a_record(b"2", key="a"), a_record(b"3", key="b")],
        [1, 2, 3, 4],
    )
    assert [answer for answer in answers if isinstance(answer, str)] == ["RECORD_TOO_LARGE", "PRECEDING_RECORD_REFUSED"]
    assert await world.data() == [b"1", b"3"]


async def test_a_refused_record_may_be_sent_again_under_its_number(world: World) -> None:
    await world.update(write_limits=WriteLimits(records_per_second=1))
    assert (await put(world, [a_record(b"a"), a_record(b"b", key="other")], [1, 2]))[1] == "WRITE_LIMIT_EXCEEDED"
    world.clock.advance(1)
    assert isinstance((await put(world, [a_record(b"b", key="other")], [2]))[0], tuple)
    assert await world.data() == [b"a", b"b"]


async def test_all_or_none_stores_nothing_when_one_is_refused(world: World) -> None:
    records = [a_record(b"a"), a_record(bytes(MIB)), a_record(b"c")]
    answers = await put(world, records, [None] * 3, is_all_or_none=True)
    assert answers == ["OTHER_RECORD_REFUSED", "RECORD_TOO_LARGE", "OTHER_RECORD_REFUSED"]
    assert await world.data() == []


async def test_all_or_none_stores_all_when_none_is_refused(world: World) -> None:
    answers = await put(world, [a_record(b"a"), a_record(b"b")], [None] * 2, is_all_or_none=True)
    assert all(isinstance(answer, tuple) for answer in answers)
    assert await world.data() == [b"a", b"b"]


async def test_all_or_none_gives_numbers_and_limits_back(world: World) -> None:
    await world.update(write_limits=WriteLimits(records_per_second=2))
    assert "RECORD_TOO_LARGE" in await put(world, [a_record(b"a"), a_record(bytes(MIB))], [1, 2], is_all_or_none=True)
    answers = await put(world, [a_record(b"other"), a_record(b"b")], [1, 3], is_all_or_none=True)
    assert all(isinstance(answer, tuple) for answer in answers)
    assert await world.data() == [b"other", b"b"]


async def test_a_write_limit_refuses_what_is_too_much_and_says_when_to_come_back(world: World) -> None:
    await world.update(write_limits=WriteLimits(records_per_second=10))
    done = await world.put_all([a_record(b"%d" % number) for number in range(12)])
    refused = [answer for answer in done.answers if not isinstance(answer, tuple)]
    assert [type(answer) for answer in refused] == [errors.WriteLimitExceeded] * 2
    assert refused[0].retry_after is not None
    assert 0 < refused[0].retry_after.total_seconds() <= 0.1
    world.clock.advance(0.1)
    done = await world.put_all([a_record(b"x"), a_record(b"y")])
    assert [isinstance(answer, tuple) for answer in done.answers] == [True, False]


async def test_the_largest_record_passes_a_full_bucket_however_low_the_limit(world: World) -> None:
    await world.update(write_limits=WriteLimits(bytes_per_second=1024))
    assert isinstance((await world.put_all([a_record(bytes(MIB - 3))])).answers[0], tuple)
    assert not isinstance((await world.put_all([a_record(b"x")])).answers[0], tuple)


async def test_attributes_come_with_their_record(world: World) -> None:
    record = a_record(b"a")
    size = record[3] + 11
    traced = (*record[:3], size, record[4] + 2 + 2 + 1 + 2 + 10)
    work = works.Put("orders", [a_record(b"-"), traced], size, attributes={1: {"t": "0123456789"}})
    await world.records.write(work)
    found = await world.read()
    assert [dict(each.attributes) for each in decoded(found)] == [{}, {"t": "0123456789"}]
    assert [part_size for part in found.slices for part_size in part.sizes] == [4, size]


async def test_settings_are_changed_once_for_a_request_id_and_only_for_the_right_etag(world: World) -> None:
    before = await world.records.find_stream("orders")
    after = await world.update(etag=before.etag, request_id="id", tags=(("a", "b"),), retention_seconds=2 * DAY_SECONDS)
    assert (after.tags, after.retention_seconds) == ((("a", "b"),), 2 * DAY_SECONDS)
    assert after.etag != before.etag
    with pytest.raises(errors.EtagMismatch):
        await world.update(etag=before.etag, tags=())
    await world.update(tags=())
    repeated = await world.update(
        etag=before.etag, request_id="id", tags=(("a", "b"),), retention_seconds=2 * DAY_SECONDS
    )
    assert repeated.tags == ()
    with pytest.raises(errors.RequestIdReused):
        await world.update(request_id="id", tags=(("x", "y"),))


async def test_a_change_of_a_stream_that_is_gone_since_is_not_the_answer_for_its_successor(world: World) -> None:
    await world.update(request_id="id", tags=(("a", "b"),))
    await world.delete()
    await world.create()
    with pytest.raises(errors.StreamNotFound):
        await world.update(request_id="id", tags=(("a", "b"),))
    assert (await world.records.find_stream("orders")).tags == ()


async def test_a_shorter_retention_trims_at_once_and_a_longer_one_brings_nothing_back(world: World) -> None:
    await world.update(retention_seconds=3 * DAY_SECONDS)
    await world.put(b"old")
    world.clock.advance(2 * DAY_SECONDS)
    await world.put(b"new")
    await world.trim(1)
    assert await world.data() == [b"old", b"new"]
    await world.update(retention_seconds=DAY_SECONDS)
    await world.trim(1)
    await world.update(retention_seconds=3 * DAY_SECONDS)
    await world.trim(1)
    assert await world.data() == [b"new"]


async def test_retention_by_bytes_keeps_the_newest_and_at_least_one(world: World) -> None:
    await world.update(retention_bytes=MIB)
    for number in range(8):
        await world.put(bytes([number]) * (MIB // 4))
    await world.trim(1)
    kept = await world.data()
    assert [data[0] for data in kept] == [5, 6, 7]
    (shard,) = await world.shards()
    assert shard.horizon_index == 5
    assert MIB // 2 < shard.stored_bytes <= MIB
    await world.put(bytes(MIB - 3))
    await world.trim(1)
    assert [len(data) for data in await world.data()] == [MIB - 3]


async def test_consumers_are_registered_once_up_to_the_limit_and_removed(world: World) -> None:
    made = await world.records.write(works.Register("orders", "audit"))
    assert isinstance(made, works.Registered)
    with pytest.raises(errors.ConsumerAlreadyExists):
        await world.records.write(works.Register("orders", "audit"))
    for number in range(CONSUMERS_MAX - 1):
        await world.records.write(works.Register("orders", f"c{number:04d}"))
    with pytest.raises(errors.LimitExceeded):
        await world.records.write(works.Register("orders", "one too many"))
    stream, consumers = await world.records.consumers("orders")
    assert (stream.consumer_count, len(consumers), consumers[0]) == (CONSUMERS_MAX, CONSUMERS_MAX, made.consumer)
    with pytest.raises(errors.StreamHasConsumers):
        await world.records.write(works.Delete("orders", force=False))
    await world.records.write(works.Deregister("orders", "audit"))
    with pytest.raises(errors.ConsumerNotFound):
        await world.records.write(works.Deregister("orders", "audit"))
    again = await world.records.write(works.Register("orders", "audit", "id"))
    assert isinstance(again, works.Registered)
    assert again.consumer.consumer_id != made.consumer.consumer_id
    repeated = await world.records.write(works.Register("orders", "audit", "id"))
    assert isinstance(repeated, works.Registered)
    assert repeated.consumer == again.consumer


async def test_traffic_counts_what_open_shards_took_lately(world: World) -> None:
    await world.put(b"old")
    world.clock.advance(301)
    await world.put(b"a", b"b")
    since = world.clock.unix_millis() - 300_000
    ((index, (count, size)),) = (await world.records.traffic("orders", since_millis=since)).items()
    assert (index, count) == (0, 2)
    assert size > 60
    await world.reshard(Split(0, HASH_KEYS // 2))
    assert await world.records.traffic("orders", since_millis=since) == {}
