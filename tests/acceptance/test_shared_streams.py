"""Two real stream services on one PostgreSQL database: both take records for the same shards at the same time."""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Collection, Iterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
import sqlalchemy as sa
from google.protobuf import duration_pb2
from millrace.stream.v1 import stream_service_pb2

from tests.support import postgres_server, scale, shared_streams
from tests.support.shared_streams import TIMEOUT_SECONDS, Reader, Service, Snapshots

pb = stream_service_pb2
pytestmark = pytest.mark.asyncio
HASH_KEYS = 2**128
FIRST = "shardId-000000000000"
RETRIED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


@pytest.fixture
def url() -> Iterator[str]:
    """A new database without tables: the services make them, both at the same moment."""
    with postgres_server.a_database(template="template1") as made:
        yield made


@pytest_asyncio.fixture
async def services(url: str) -> AsyncIterator[list[Service]]:
    """Two services."""
    async with shared_streams.running(url) as made:
        yield made


async def create(service: Service, name: str = "orders", shards: int = 1) -> None:
    """Make a stream."""
    await service.stub.CreateStream(pb.CreateStreamRequest(stream_name=name, shard_count=shards), timeout=20)


async def put(service: Service, *data: str, key: str, name: str = "orders") -> list[str]:
    """Put records with one key; their sequence numbers."""
    request = pb.PutRecordsRequest(stream_name=name)
    for each in data:
        request.records.add(partition_key=key, data=each.encode())
    answer = await service.stub.PutRecords(request, timeout=TIMEOUT_SECONDS)
    assert answer.failed_record_count == 0
    return [each.sequence_number for each in answer.results]


async def answer_of(call: Awaitable[Any], refusals: Collection[grpc.StatusCode]) -> Any:
    """The call's answer; None where it was refused with one of these codes."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        if error.code() not in refusals:
            raise
        return None


async def test_no_reader_ever_sees_a_later_number_before_an_earlier_one(url: str, services: list[Service]) -> None:
    await create(services[0], shards=2)
    shards = list(await shared_streams.lineage(services[0].stub, "orders"))
    turns, done, acknowledged = scale.choose(small=40, full=250), asyncio.Event(), set[str]()

    async def writing(seed: int) -> None:
        chance = random.Random(seed)
        for turn in range(turns):
            data = [f"{seed}-{turn}-{place}" for place in range(chance.randint(1, 4))]
            acknowledged.update(await put(services[(seed + turn) % 2], *data, key=f"key-{chance.randrange(50)}"))

    readers = [
        Reader(service.stub, "orders", shard, seed) for service in services for shard in shards for seed in range(2)
    ]
    looking = Snapshots(url)
    with looking.looking():
        following = asyncio.gather(*[each.follow(done) for each in readers])
        await asyncio.gather(*map(writing, range(8)))
        done.set()
        await following

    final = {shard: await shared_streams.whole(services[1].stub, "orders", shard) for shard in shards}
    for index, reader in enumerate(readers):
        assert reader.seen == final[shards[index // 2 % 2]], "a reader missed a record, or saw it out of its order"
    stored = [number for records in final.values() for number, _, _ in records]
    assert sorted(stored) == sorted(acknowledged)
    assert looking.count > 10


async def test_a_keys_order_holds_while_both_services_put_and_both_change_shards(services: list[Service]) -> None:
    await create(services[0], shards=2)
    turns, changes_max, done = scale.choose(small=60, full=300), scale.choose(small=15, full=60), asyncio.Event()

    async def writing(key: str) -> None:
        for turn in range(turns):
            await put(services[turn % 2], str(turn), key=key)

    async def changing(service: Service, seed: int) -> int:
        chance, count = random.Random(seed), 0
        while not done.is_set() and count < changes_max:
            target = chance.choice([1, 2, 3, 4, 5])
            request = pb.UpdateShardCountRequest(stream_name="orders", target_shard_count=target)
            # Refused is more than twice as many as there are, or less than half: the other service was faster.
            answer = await answer_of(
                service.stub.UpdateShardCount(request, timeout=TIMEOUT_SECONDS), {grpc.StatusCode.INVALID_ARGUMENT}
            )
            count += answer is not None
        return count

    keys = [f"key-{index}" for index in range(8)]
    changes = asyncio.gather(*[changing(service, seed) for seed, service in enumerate(services)])
    await asyncio.gather(*map(writing, keys))
    done.set()
    assert all(count > 1 for count in await changes)

    by_key: dict[str, list[str]] = defaultdict(list)
    parents = await shared_streams.lineage(services[1].stub, "orders")
    assert all(parent < shard for shard, found in parents.items() for parent in found)
    for shard in parents:
        for _, key, data in await shared_streams.whole(services[1].stub, "orders", shard):
            by_key[key].append(data)
    assert by_key == {key: [str(turn) for turn in range(turns)] for key in keys}


async def trouble_for(url: str, services: list[Service], goal: asyncio.Event, done: asyncio.Event) -> None:
    """Each time that the goal is reached, cut all connections to the database, or kill a service; until all is done."""
    chance, database = random.Random(7), sa.make_url(url).database
    text = f"FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    for each in itertools.cycle(["connections", "service", "connections"]):
        await goal.wait()
        goal.clear()
        if done.is_set():
            return
        if each == "service":
            await chance.choice(services).kill()
        else:
            await asyncio.to_thread(postgres_server.server().run, f"SELECT pg_terminate_backend(pid) {text}")


async def test_numbered_records_are_stored_once_whatever_is_killed(url: str, services: list[Service]) -> None:
    """Each record is sent to one service, and after an answer that says nothing to the other, until it is stored."""
    await create(services[0], shards=2)
    turns, goal, done = scale.choose(small=60, full=300), asyncio.Event(), asyncio.Event()
    answered: dict[str, tuple[str, str]] = {}

    async def sent(key: str, turn: int) -> None:
        request = pb.PutRecordsRequest(stream_name="orders")
        request.records.add(
            partition_key=key, data=str(turn).encode(), producer_id=key.encode().ljust(16), producer_sequence=turn + 1
        )
        answer, attempt = None, itertools.count(turn)
        while answer is None:
            service = services[next(attempt) % 2]
            answer = await answer_of(service.stub.PutRecords(request, timeout=5), RETRIED)
        answered[f"{key} {turn}"] = (answer.results[0].shard_id, answer.results[0].sequence_number)
        if len(answered) % 60 == 0:
            goal.set()

    async def writing(key: str) -> None:
        for turn in range(turns):
            await sent(key, turn)

    keys = [f"key-{index}" for index in range(6)]
    trouble = asyncio.create_task(trouble_for(url, services, goal, done))
    await asyncio.gather(*map(writing, keys))
    done.set()
    goal.set()
    await trouble

    stored: dict[str, tuple[str, str]] = {}
    for shard in await shared_streams.lineage(services[0].stub, "orders"):
        records = await shared_streams.whole(services[0].stub, "orders", shard)
        found = {f"{key} {data}": (shard, number) for number, key, data in records}
        assert len(found) == len(records), "a record is stored twice"
        stored.update(found)
    assert stored == answered


async def test_d2_a_commit_of_one_service_wakes_those_who_wait_at_the_other(services: list[Service]) -> None:
    await create(services[0])
    last = (await put(services[0], "first", key="key"))[0]
    seconds = []
    for turn in range(9):
        position = pb.ShardPosition(stream_name="orders", shard_id=FIRST, after_sequence_number=last)
        request = pb.GetRecordsRequest(position=position, max_wait=duration_pb2.Duration(seconds=10))
        waiting = asyncio.ensure_future(services[1].stub.GetRecords(request, timeout=TIMEOUT_SECONDS))
        # The call waits by now, as many later ones of the same channel are answered.
        for _ in range(10):
            await services[1].stub.DescribeStream(pb.DescribeStreamRequest(stream_name="orders"), timeout=20)
        assert not waiting.done()
        begun = time.monotonic()
        (last,) = await put(services[0], str(turn), key="key")
        answer = await waiting
        seconds.append(time.monotonic() - begun)
        assert [each.sequence_number for each in answer.records] == [last]
    assert statistics.median(seconds) < 0.25, "without hints it takes half a second at the median"


async def test_d2_a_watch_tells_what_the_other_service_did(services: list[Service]) -> None:
    for name in ("split", "deleted"):
        await create(services[0], name)
    watch = services[1].stub.WatchAppends()
    request = pb.WatchAppendsRequest()
    for index, name in enumerate(("split", "deleted", "made")):
        shard = FIRST if name != "made" else ""
        request.entries.add(id=index + 1, position=pb.ShardPosition(stream_name=name, shard_id=shard))
    await watch.write(request)
    split = pb.SplitShardRequest(stream_name="split", shard_id=FIRST, new_starting_hash_key=str(HASH_KEYS // 2))
    await services[1].stub.GetRecords(
        pb.GetRecordsRequest(position=pb.ShardPosition(stream_name="split", shard_id=FIRST)), timeout=20
    )
    await services[0].stub.SplitShard(split, timeout=20)
    await services[0].stub.DeleteStream(pb.DeleteStreamRequest(stream_name="deleted"), timeout=20)
    await create(services[0], "made")
    reasons: dict[int, str] = {}
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(reasons) < 3:
            for event in (await watch.read()).events:
                reasons[event.id] = pb.WatchReason.Name(event.reason)
    watch.cancel()
    assert reasons == {1: "WATCH_REASON_CLOSED", 2: "WATCH_REASON_DELETED", 3: "WATCH_REASON_APPEARED"}


async def test_a_subscription_gets_what_the_other_service_stored_and_ends_with_its_consumer(
    services: list[Service],
) -> None:
    await create(services[0])
    consumer = {"stream_name": "orders", "consumer_name": "reports"}
    await services[0].stub.RegisterStreamConsumer(pb.RegisterStreamConsumerRequest(**consumer), timeout=20)
    request = pb.SubscribeToShardRequest(
        stream_name="orders",
        consumer_name="reports",
        shard_id=FIRST,
        starting_position=stream_service_pb2.SHARD_ITERATOR_TYPE_TRIM_HORIZON,
    )
    call = services[1].stub.SubscribeToShard(request, timeout=TIMEOUT_SECONDS)
    events = aiter(call)
    await anext(events)
    await put(services[0], "stored", key="key")
    got: list[bytes] = []
    while not got:
        got += [each.data for each in (await anext(events)).records]
    assert got == [b"stored"]
    await services[0].stub.DeregisterStreamConsumer(pb.DeregisterStreamConsumerRequest(**consumer), timeout=20)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async for _ in events:
            pass
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_restart_of_the_database_ends_no_service(services: list[Service]) -> None:
    await create(services[0])
    await put(services[0], "before", key="key")
    await put(services[1], "before", key="key")
    server = postgres_server.server()
    await asyncio.to_thread(server.restart)

    async def until_stored(service: Service) -> list[str]:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while (numbers := await answer_of(put(service, "after", key="key"), RETRIED)) is None:
                pass
            return list(numbers)

    numbers = [await until_stored(service) for service in services]
    for service in services:
        assert service.process.poll() is None
        stored = await shared_streams.whole(service.stub, "orders", FIRST)
        assert [data for _, _, data in stored] == ["before"] * 2 + ["after"] * 2
        assert [number for number, _, _ in stored][2:] == [number for each in numbers for number in each]
