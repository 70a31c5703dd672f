"""Wake-ups over real gRPC: none is lost when the watch breaks, and none is waited for while it is down (rule D2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
import structlog
from millrace.stream.v1 import stream_service_pb2, stream_service_pb2_grpc

from chassis.clock import SystemClock
from chassis.process import limits
from mapping_service.core.ports import ShardAddress
from mapping_service.core.shard_events import Read, ReadFailed
from mapping_service.pollers import watch_client
from mapping_service.pollers.stream_client import StreamClient

pytestmark = pytest.mark.asyncio
GROWN = stream_service_pb2.WATCH_REASON_GROWN
SHARD = ShardAddress(stream_name="orders", stream_id="s", shard_id="shardId-000000000000")


class Streams(stream_service_pb2_grpc.StreamServiceServicer):
    """A stream service that notes what is armed and answers when it is told to."""

    def __init__(self) -> None:
        self.armed: dict[int, Any] = {}
        self.requests = 0
        self.calls = 0
        self.changed = asyncio.Event()
        self.port = 0
        self.server: grpc.aio.Server | None = None
        self._answers: asyncio.Queue[Any] = asyncio.Queue()

    async def WatchAppends(self, request_iterator: Any, context: Any) -> Any:
        self.armed = {}
        self.calls += 1
        self.changed.set()
        reading = asyncio.create_task(self._take(request_iterator))
        try:
            while True:
                yield await self._answers.get()
        finally:
            reading.cancel()

    async def _take(self, requests: Any) -> None:
        async for request in requests:
            self.requests += 1
            self.armed.update({entry.id: entry.position for entry in request.entries})
            for each in request.disarm_ids:
                self.armed.pop(each, None)
            self.changed.set()

    async def until_armed(self, count: int) -> None:
        while len(self.armed) != count:
            self.changed.clear()
            await self.changed.wait()

    async def until_called(self, calls: int) -> None:
        while self.calls < calls:
            self.changed.clear()
            await self.changed.wait()

    def tell(self, *ids: int) -> None:
        response = stream_service_pb2.WatchAppendsResponse()
        response.service_time.FromMilliseconds(1_700_000_000_000)
        for each in ids:
            response.events.add(id=each, reason=GROWN)
        self._answers.put_nowait(response)

    async def start(self) -> None:
        self.server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        stream_service_pb2_grpc.add_StreamServiceServicer_to_server(self, self.server)  # type: ignore[no-untyped-call]
        self.port = self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self.server.start()

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop(None)
            self.server = None


@pytest_asyncio.fixture
async def streams() -> AsyncIterator[Streams]:
    """A stream service that is up."""
    made = Streams()
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def client(streams: Streams) -> AsyncIterator[StreamClient]:
    """A client whose watch runs."""
    made = StreamClient(f"127.0.0.1:{streams.port}", SystemClock())
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.wait({running})
    await made.close()


def watch(client: StreamClient, after: int = 0) -> asyncio.Task[str]:
    return asyncio.create_task(client.watch(SHARD, after=after))


async def test_d2_each_entry_is_answered_once_with_its_reason(streams: Streams, client: StreamClient) -> None:
    first, second = watch(client, 5), watch(client, 6)
    await streams.until_armed(2)
    assert [place.after_sequence_number[:20] for place in streams.armed.values()] == [f"{5:020d}", f"{6:020d}"]

    streams.tell(1)
    assert await first == "grown"
    assert not second.done()
    streams.tell(1, 2, 99)
    assert await second == "grown"


async def test_d2_many_entries_of_a_moment_are_one_message(streams: Streams, client: StreamClient) -> None:
    warm = watch(client)
    await streams.until_armed(1)
    before = streams.requests

    watching = [watch(client) for _ in range(500)]
    await streams.until_armed(501)

    assert streams.requests == before + 1
    for task in (warm, *watching):
        task.cancel()


async def test_d2_what_was_armed_is_armed_again_when_the_watch_breaks(
    streams: Streams, client: StreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_client, "POLL_SECONDS", 60.0)
    watching = [watch(client, number) for number in range(3)]
    await streams.until_armed(3)

    await streams.stop()
    streams.armed = {}
    await streams.start()
    await streams.until_armed(3)

    streams.tell(*streams.armed)
    assert [await each for each in watching] == ["grown"] * 3


async def test_d2_a_watch_whose_time_is_up_is_made_anew_and_nobody_is_told(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WATCH_SECONDS_MAX", 0.3)
    monkeypatch.setattr(watch_client, "POLL_SECONDS", 0.0)
    made = StreamClient(f"127.0.0.1:{streams.port}", SystemClock())
    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(made.run())
        watching = watch(made)
        for calls in (1, 2, 3):
            await streams.until_called(calls)
            await streams.until_armed(1)
        streams.tell(*streams.armed)
        told = await watching
        running.cancel()
        await asyncio.wait({running})
    await made.close()

    assert told == "grown"
    assert lines == []


async def test_d2_while_the_watch_is_down_entries_are_polled_in_turn(
    streams: Streams, client: StreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_client, "POLL_SECONDS", 0.1)
    watching = [watch(client) for _ in range(3)]
    await streams.until_armed(3)

    await streams.stop()

    assert [await each for each in watching] == [watch_client.LOST] * 3
    read = await client.read(SHARD, Read(after=0, limit_records=1, limit_bytes=1))
    assert read == ReadFailed(problem="the stream service is unavailable", retryable=True)


async def test_d2_a_watch_that_missed_its_heartbeats_is_down(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_client, "SILENCE_SECONDS_MAX", 0.2)
    client = StreamClient(f"127.0.0.1:{streams.port}", SystemClock())
    running = asyncio.create_task(client.run())
    watching = watch(client)
    await streams.until_armed(1)
    streams.armed = {}
    await streams.until_armed(1)
    assert not watching.done()
    for task in (watching, running):
        task.cancel()
    await asyncio.wait({watching, running})
    await client.close()


async def test_d2_a_watch_that_is_given_up_is_disarmed(streams: Streams, client: StreamClient) -> None:
    watching = watch(client)
    await streams.until_armed(1)

    watching.cancel()

    await streams.until_armed(0)


async def test_c1_the_clock_of_the_stream_service_is_heard(streams: Streams, client: StreamClient) -> None:
    watching = watch(client)
    await streams.until_armed(1)
    assert client.clock.millis() is None
    streams.tell(1)
    await watching

    assert 1_700_000_000_000 <= await client.service_millis() < 1_700_000_005_000
