"""Enhanced fan-out with real processes: many subscribers of one shard, one of whom does not read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from millrace.stream.v1 import stream_service_pb2

from tests.support import mill, proc, refusals, scale
from tests.support.clients import TIMEOUT_SECONDS, Clients
from tests.support.mill import Mill

pb = stream_service_pb2
SHARD = "shardId-000000000000"
SUBSCRIBERS = 100
ROUNDS = scale.choose(small=8, full=40)
RECORDS = 50
RECORD_BYTES = 20_000
GROWTH_BYTES_MAX = 160 << 20
EVENT_SECONDS = 20.0


def a_subscription(consumer: str, *, after: str = "") -> Any:
    """A request from the oldest record on, or after a sequence number."""
    kind = pb.SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER if after else pb.SHARD_ITERATOR_TYPE_TRIM_HORIZON
    return pb.SubscribeToShardRequest(
        stream_name="orders",
        consumer_name=consumer,
        shard_id=SHARD,
        starting_position=kind,
        starting_sequence_number=after,
    )


class Subscriber:
    """One consumer, who writes down what is pushed to it."""

    def __init__(self, clients: Clients, consumer: str) -> None:
        self._clients = clients
        self._consumer = consumer
        self.numbers: list[str] = []
        self.position = ""
        self.call: Any = None

    def subscribe(self) -> None:
        """Begin, or go on after the last event."""
        self.call = self._clients.stream.SubscribeToShard(a_subscription(self._consumer, after=self.position))

    async def next(self) -> Any:
        """One event; None at the end."""
        event = await asyncio.wait_for(self.call.read(), EVENT_SECONDS)
        if event is grpc.aio.EOF:
            return None
        self.numbers += [record.sequence_number for record in event.records]
        self.position = event.continuation_sequence_number or self.position
        return event

    async def until(self, count: int) -> None:
        """Read until so many records came."""
        while len(self.numbers) < count:
            assert await self.next() is not None

    async def refusal(self) -> refusals.Refusal:
        """What ends the call."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self._drain()
        return refusals.of(caught.value)

    async def _drain(self) -> None:
        while await self.next() is not None:
            pass


@contextlib.asynccontextmanager
async def a_stream(folder: Path) -> AsyncIterator[tuple[Mill, Clients]]:
    """Real services, and a stream of one shard."""
    async with mill.running(folder) as running, Clients(running.stream.address, running.mapping.address) as clients:
        await clients.create_stream("orders")
        yield running, clients


async def register(clients: Clients, *names: str) -> None:
    """Register consumers."""
    for name in names:
        request = pb.RegisterStreamConsumerRequest(stream_name="orders", consumer_name=name)
        await clients.stream.RegisterStreamConsumer(request, timeout=TIMEOUT_SECONDS)


async def put(clients: Clients, count: int, size: int = 10) -> list[str]:
    """Put records; their sequence numbers."""
    request = pb.PutRecordsRequest(stream_name="orders")
    for _ in range(count):
        request.records.add(partition_key="key", data=bytes(size))
    answer = await clients.stream.PutRecords(request, timeout=TIMEOUT_SECONDS)
    return [result.sequence_number for result in answer.results]


@pytest.mark.asyncio
async def test_a_hundred_subscribers_get_everything_in_order_though_one_does_not_read(tmp_path: Path) -> None:
    async with a_stream(tmp_path) as (running, clients):
        names = [f"consumer-{number}" for number in range(SUBSCRIBERS)]
        await register(clients, *names)
        readers = [Subscriber(clients, name) for name in names]
        for each in readers:
            each.subscribe()
            await each.next()
        before = proc.forget_peak(running.stream.pid)
        *reading, silent = readers
        stored: list[str] = []
        for _ in range(ROUNDS):
            stored += await put(clients, RECORDS, RECORD_BYTES)
            await asyncio.gather(*(each.until(len(stored)) for each in reading))
        growth = proc.peak_bytes(running.stream.pid) - before
        assert all(each.numbers == stored for each in reading)
        assert growth < GROWTH_BYTES_MAX, f"{growth} bytes more for {len(stored) * RECORD_BYTES} bytes of records"
        await silent.until(len(stored))
        assert silent.numbers == stored


@pytest.mark.asyncio
async def test_a_subscription_goes_on_by_its_continuation_number_through_a_drain_and_a_kill(tmp_path: Path) -> None:
    async with a_stream(tmp_path) as (running, clients):
        await register(clients, "audit")
        audit, stored = Subscriber(clients, "audit"), await put(clients, 5)
        audit.subscribe()
        await audit.until(5)
        assert await asyncio.to_thread(running.stream.stop) == 0
        assert (await audit.refusal()).code == "UNAVAILABLE"
        for is_killed in (False, True):
            await asyncio.to_thread(running.stream.start)
            await clients.stream.ListStreams(pb.ListStreamsRequest(), timeout=TIMEOUT_SECONDS, wait_for_ready=True)
            stored += await put(clients, 5)
            audit.subscribe()
            await audit.until(len(stored))
            if not is_killed:
                await asyncio.to_thread(running.stream.kill)
        assert audit.numbers == stored


@pytest.mark.asyncio
async def test_a_consumer_that_is_removed_loses_its_subscription_and_others_keep_theirs(tmp_path: Path) -> None:
    async with a_stream(tmp_path) as (_, clients):
        await register(clients, "gone", "stays")
        gone, stays = Subscriber(clients, "gone"), Subscriber(clients, "stays")
        for each in (gone, stays):
            each.subscribe()
            await each.next()
        request = pb.DeregisterStreamConsumerRequest(stream_name="orders", consumer_name="gone")
        await clients.stream.DeregisterStreamConsumer(request, timeout=TIMEOUT_SECONDS)
        assert (await gone.refusal()).reason == "CONSUMER_NOT_FOUND"
        stored = await put(clients, 3)
        await stays.until(3)
        assert stays.numbers == stored
