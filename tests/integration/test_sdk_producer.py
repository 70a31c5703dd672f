"""The Producer over real gRPC, against a stream service that fails as it is told."""

from __future__ import annotations

import asyncio
import random
from collections import deque

import grpc
import pytest
from millrace_sdk import Producer, ProducerClosed, ProducerSettings, PutFailed, PutResult

from tests.support import fake_stream_service
from tests.support.fake_stream_service import FakeStreamService, Fault

pytestmark = pytest.mark.asyncio

QUICK = ProducerSettings(backoff_seconds_base=0.001, backoff_seconds_max=0.002, relist_seconds_min=0)
UNAVAILABLE = Fault(code=grpc.StatusCode.UNAVAILABLE, reason="UNAVAILABLE")
LOST_ANSWER = Fault(code=grpc.StatusCode.UNAVAILABLE, reason="OUTCOME_UNKNOWN", is_stored=True)


def a_service(**given: object) -> FakeStreamService:
    """One that answers at once."""
    fake = FakeStreamService(**given)  # type: ignore[arg-type]  # fields by name
    fake.gate.set()
    return fake


async def test_a_put_answers_where_the_record_is_stored() -> None:
    fake = a_service()

    async with fake_stream_service.running(fake) as address, Producer(address) as producer:
        result = await producer.put("orders", b"data", "key")

    assert result == PutResult("shardId-000000000000", f"{1:030}")
    assert fake.stored == [("shardId-000000000000", "key", b"data")]


async def test_puts_of_one_turn_of_the_loop_travel_in_one_call() -> None:
    fake = a_service()

    async with fake_stream_service.running(fake) as address, Producer(address) as producer:
        await asyncio.gather(*(producer.put("orders", b"%d" % index, "key") for index in range(64)))

    assert [len(call) for call in fake.calls] == [64]


async def test_puts_gather_while_a_call_is_in_flight() -> None:
    fake = FakeStreamService()

    async with fake_stream_service.running(fake) as address, Producer(address) as producer:
        first = asyncio.ensure_future(producer.put("orders", b"first", "key"))
        await fake.arrived.acquire()
        others = [asyncio.ensure_future(producer.put("orders", b"%d" % index, "key")) for index in range(10)]
        await asyncio.sleep(0)
        fake.gate.set()
        await asyncio.gather(first, *others)

    assert [len(call) for call in fake.calls] == [1, 10]


async def test_a_call_holds_no_more_than_its_bounds_and_at_least_one_record() -> None:
    fake = a_service()
    settings = ProducerSettings(call_records_max=3, call_bytes_max=100)

    async with fake_stream_service.running(fake) as address, Producer(address, settings) as producer:
        sizes = [10, 10, 10, 10, 300, 60, 60]
        await asyncio.gather(*(producer.put("orders", bytes(size), "k") for size in sizes))

    assert [[len(data) for data in call] for call in fake.calls] == [[10, 10, 10], [10], [300], [60], [60]]


async def test_each_shard_has_a_call_of_its_own() -> None:
    fake = FakeStreamService(shard_ids=["shardId-0", "shardId-1"])

    async with fake_stream_service.running(fake) as address, Producer(address) as producer:
        low = asyncio.ensure_future(producer.put("orders", b"low", "key", "0"))
        high = asyncio.ensure_future(producer.put("orders", b"high", "key", str(2**128 - 1)))
        await fake.arrived.acquire()
        await fake.arrived.acquire()
        fake.gate.set()
        results = await asyncio.gather(low, high)

    assert [result.shard_id for result in results] == ["shardId-0", "shardId-1"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(UNAVAILABLE, id="unavailable"),
        pytest.param(Fault(code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="OVERLOADED"), id="overloaded"),
        pytest.param(Fault(code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="STORAGE_FULL"), id="disk full"),
        pytest.param(Fault(code=grpc.StatusCode.INTERNAL, reason="INTERNAL"), id="internal"),
        pytest.param(Fault(refused=frozenset({0, 1, 2}), reason="WRITE_LIMIT_EXCEEDED"), id="all throttled"),
    ],
)
async def test_a_call_refused_for_a_while_is_sent_again_in_order(fault: Fault) -> None:
    fake = a_service(faults=deque([fault, fault]))

    async with fake_stream_service.running(fake) as address, Producer(address, QUICK) as producer:
        await asyncio.gather(*(producer.put("orders", data, "key") for data in (b"1", b"2", b"3")))

    assert fake.calls == [[b"1", b"2", b"3"]] * 3
    assert [data for _, _, data in fake.stored] == [b"1", b"2", b"3"]


async def test_only_the_records_that_were_refused_are_sent_again() -> None:
    fake = a_service(faults=deque([Fault(refused=frozenset({1}), reason="WRITE_LIMIT_EXCEEDED")]))

    async with fake_stream_service.running(fake) as address, Producer(address, QUICK) as producer:
        await asyncio.gather(*(producer.put("orders", data, data.decode()) for data in (b"a", b"b", b"c")))

    assert fake.calls == [[b"a", b"b", b"c"], [b"b"]]


async def test_a_key_is_held_back_while_one_of_its_records_is_unresolved() -> None:
    fake = a_service(faults=deque([Fault(refused=frozenset({0}), reason="WRITE_LIMIT_EXCEEDED")]))

    async with fake_stream_service.running(fake) as address, Producer(address, QUICK) as producer:
        first = asyncio.ensure_future(producer.put("orders", b"1", "key"))
        await fake.arrived.acquire()
        second = asyncio.ensure_future(producer.put("orders", b"2", "key"))
        await asyncio.gather(first, second)

    assert [data for _, _, data in fake.stored] == [b"1", b"2"]


async def test_a_permanent_refusal_fails_its_put_alone() -> None:
    fake = a_service(faults=deque([Fault(refused=frozenset({1}), reason="RECORD_TOO_LARGE")]))

    async with fake_stream_service.running(fake) as address, Producer(address, QUICK) as producer:
        puts = (producer.put("orders", data, data.decode()) for data in (b"a", b"b", b"c"))
        results = await asyncio.gather(*puts, return_exceptions=True)

    assert isinstance(results[1], PutFailed)
    assert (results[1].reason, results[1].may_be_stored) == ("RECORD_TOO_LARGE", False)
    assert [data for _, _, data in fake.stored] == [b"a", b"c"]


async def test_a_call_that_is_wrong_in_itself_is_repeated_record_by_record() -> None:
    wrong = Fault(code=grpc.StatusCode.INVALID_ARGUMENT, reason="INVALID_ARGUMENT")
    fake = a_service(faults=deque([wrong, Fault(), wrong, Fault()]))

    async with fake_stream_service.running(fake) as address, Producer(address, QUICK) as producer:
        puts = (producer.put("orders", data, data.decode()) for data in (b"a", b"b", b"c"))
        results = await asyncio.gather(*puts, return_exceptions=True)

    assert [isinstance(result, PutFailed) for result in results] == [False, True, False]
    assert fake.calls == [[b"a", b"b", b"c"], [b"a"], [b"b"], [b"c"]]


async def test_a_stream_that_is_not_there_fails_the_put_and_is_asked_for_again_by_the_next() -> None:
    fake = a_service(list_faults=deque([grpc.StatusCode.NOT_FOUND]))

    async with fake_stream_service.running(fake) as address, Producer(address, QUICK) as producer:
        with pytest.raises(PutFailed, match="NOT_FOUND"):
            await producer.put("orders", b"1", "key")
        await producer.put("orders", b"2", "key")

    assert [data for _, _, data in fake.stored] == [b"2"]


async def test_shards_that_cannot_be_listed_for_a_while_are_asked_for_again() -> None:
    fake = a_service(list_faults=deque([grpc.StatusCode.UNAVAILABLE] * 3))

    async with fake_stream_service.running(fake) as address, Producer(address, QUICK) as producer:
        await producer.put("orders", b"1", "key")

    assert fake.lists == 4


async def test_a_put_fails_when_its_delivery_takes_too_long() -> None:
    fake = a_service(faults=deque([LOST_ANSWER] * 1_000))
    settings = ProducerSettings(backoff_seconds_base=0.001, backoff_seconds_max=0.01, delivery_timeout_seconds=0.05)

    async with fake_stream_service.running(fake) as address, Producer(address, settings) as producer:
        with pytest.raises(PutFailed, match="OUTCOME_UNKNOWN: as told") as failed:
            await producer.put("orders", b"1", "key")

    assert (failed.value.reason, failed.value.may_be_stored) == ("DELIVERY_TIMEOUT", True)


async def test_a_put_to_nobody_fails_when_its_time_is_up() -> None:
    settings = ProducerSettings(backoff_seconds_base=0.001, backoff_seconds_max=0.01, delivery_timeout_seconds=0.05)

    async with Producer("127.0.0.1:9", settings) as producer:
        with pytest.raises(PutFailed, match="could not be listed") as failed:
            await producer.put("orders", b"1", "key")

    assert (failed.value.reason, failed.value.may_be_stored) == ("DELIVERY_TIMEOUT", False)


async def test_a_put_waits_its_turn_when_too_much_is_on_its_way() -> None:
    fake = FakeStreamService()
    settings = ProducerSettings(buffered_records_max=2)

    async with fake_stream_service.running(fake) as address, Producer(address, settings) as producer:
        puts = [asyncio.ensure_future(producer.put("orders", b"%d" % index, "key")) for index in range(5)]
        await fake.arrived.acquire()
        fake.gate.set()
        await asyncio.gather(*puts)

    assert max(len(call) for call in fake.calls) == 2
    assert [data for _, _, data in fake.stored] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_cancelled_put_that_waits_is_never_sent() -> None:
    fake = FakeStreamService()

    async with fake_stream_service.running(fake) as address, Producer(address) as producer:
        first = asyncio.ensure_future(producer.put("orders", b"1", "key"))
        await fake.arrived.acquire()
        second = asyncio.ensure_future(producer.put("orders", b"2", "key"))
        third = asyncio.ensure_future(producer.put("orders", b"3", "key"))
        await asyncio.sleep(0)
        second.cancel()
        fake.gate.set()
        await asyncio.gather(first, third)

    assert fake.calls == [[b"1"], [b"3"]]


async def test_close_flushes_and_then_refuses() -> None:
    fake = FakeStreamService()

    async with fake_stream_service.running(fake) as address:
        producer = Producer(address, ProducerSettings(linger_seconds=30))
        puts = [asyncio.ensure_future(producer.put("orders", b"%d" % index, "key")) for index in range(3)]
        await asyncio.sleep(0)
        fake.gate.set()
        await producer.close()
        await producer.close()

        assert all(put.done() for put in puts)
        with pytest.raises(ProducerClosed):
            await producer.put("orders", b"late", "key")


async def test_a_full_call_does_not_linger() -> None:
    fake = a_service()
    settings = ProducerSettings(linger_seconds=30, call_records_max=3)

    async with fake_stream_service.running(fake) as address, Producer(address, settings) as producer:
        await asyncio.gather(*(producer.put("orders", b"%d" % index, "key") for index in range(3)))

    assert [len(call) for call in fake.calls] == [3]


async def test_moved_shards_are_listed_again_and_no_key_is_in_two_calls_at_once() -> None:
    fake = a_service()

    async with fake_stream_service.running(fake) as address, Producer(address, QUICK) as producer:
        for shard_ids in (["a"], ["b", "c"], ["d", "e", "f"], ["g"]):
            fake.shard_ids = shard_ids
            for _ in range(3):
                puts = (producer.put("orders", b"%d" % index, f"key-{index % 7}") for index in range(50))
                await asyncio.gather(*puts)

    assert fake.lists == 4
    assert fake.overlaps == set()


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_fails_no_acknowledged_record_is_lost_and_each_key_keeps_its_order(seed: int) -> None:
    chance = random.Random(seed)
    faults = [
        UNAVAILABLE,
        LOST_ANSWER,
        Fault(code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="OVERLOADED", retry_after_seconds=0.001),
        Fault(refused=frozenset(chance.sample(range(20), 5)), reason="WRITE_LIMIT_EXCEEDED"),
        Fault(),
    ]
    fake = a_service(faults=deque(chance.choices(faults, k=200)))
    settings = ProducerSettings(
        backoff_seconds_base=0.0005,
        backoff_seconds_max=0.001,
        relist_seconds_min=0,
        call_records_max=20,
        buffered_records_max=50,
    )
    done: list[tuple[str, bytes]] = []

    async with fake_stream_service.running(fake) as address, Producer(address, settings) as producer:

        async def put(index: int) -> None:
            key = f"key-{chance.randrange(9)}"
            data = b"%06d" % index
            await producer.put("orders", data, key)
            done.append((key, data))

        for start in range(0, 400, 40):
            fake.shard_ids = [f"shard-{start}-{index}" for index in range(chance.randint(1, 3))]
            await asyncio.gather(*(put(index) for index in range(start, start + 40)))

    firsts = list(dict.fromkeys((key, data) for _, key, data in fake.stored))
    assert sorted(done) == sorted(firsts)
    for key in {key for key, _ in firsts}:
        assert [data for of, data in firsts if of == key] == sorted(data for of, data in firsts if of == key)
    assert fake.overlaps == set()
