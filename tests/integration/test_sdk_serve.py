"""`serve` over real gRPC: in the test's loop, and as a process that is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from millrace.handler.v1 import handler_service_pb2, handler_service_pb2_grpc
from millrace_sdk import Batch, Record, server

SERVICE = "millrace.handler.v1.HandlerService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@contextlib.asynccontextmanager
async def serving(handle: Any, **given: Any) -> AsyncIterator[tuple[server.HandlerServer, grpc.aio.Channel]]:
    """A handler's server, and a channel to it."""
    served = server.HandlerServer(handle, **given)
    port = await served.start("127.0.0.1:0")
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        try:
            yield served, channel
        finally:
            await served.drain(5)


def a_request(*data: bytes) -> handler_service_pb2.InvokeRequest:
    request = handler_service_pb2.InvokeRequest(shard_id="shardId-000000000000", attempt=1)
    for index, each in enumerate(data):
        request.records.add(sequence_number=str(index), partition_key="key", data=each)
    return request


async def invoke(channel: grpc.aio.Channel, *data: bytes) -> handler_service_pb2.InvokeResponse:
    stubs: Any = handler_service_pb2_grpc
    answer = await stubs.HandlerServiceStub(channel).Invoke(a_request(*data), timeout=10)
    assert isinstance(answer, handler_service_pb2.InvokeResponse)
    return answer


def failed(answer: handler_service_pb2.InvokeResponse) -> list[str]:
    return [each.sequence_number for each in answer.batch_item_failures]


def plain(records: list[Record]) -> list[Record]:
    return [record for record in records if record.data == b"bad"]


async def coroutine(records: list[Record]) -> list[str]:
    return [record.sequence_number for record in records if record.data == b"bad"]


def generator(batch: Batch) -> Iterator[str]:
    assert batch.attempt == 1
    yield from (record.sequence_number for record in batch if record.data == b"bad")


class AnObject:
    async def __call__(self, records: list[Record]) -> list[Record]:
        return plain(records)


@pytest.mark.asyncio
@pytest.mark.parametrize("handle", [plain, coroutine, generator, AnObject()])
async def test_a_handler_is_one_function_from_records_to_failures(handle: Any) -> None:
    async with serving(handle) as (_, channel):
        assert failed(await invoke(channel, b"good", b"bad", b"good", b"bad")) == ["1", "3"]
        assert failed(await invoke(channel, b"good")) == []


def raises(records: list[Record]) -> None:
    raise ValueError("no such customer")


async def raises_later(records: list[Record]) -> None:
    await asyncio.sleep(0)
    raise ValueError("no such customer")


def exits(records: list[Record]) -> None:
    sys.exit("no such customer")


async def exits_later(records: list[Record]) -> None:
    sys.exit("no such customer")


async def cancels_itself(records: list[Record]) -> None:
    raise asyncio.CancelledError("no such customer")


@pytest.mark.asyncio
@pytest.mark.parametrize("handle", [raises, raises_later, exits, exits_later, cancels_itself])
async def test_whatever_a_handler_raises_becomes_an_answer_and_the_server_lives(handle: Any) -> None:
    async with serving(handle) as (_, channel):
        for _ in range(2):
            answer = await invoke(channel, b"data")
            assert answer.error.message == "no such customer"
            assert "test_sdk_serve.py" in answer.error.stack_trace


@pytest.mark.asyncio
async def test_what_is_no_list_of_failures_fails_the_batch() -> None:
    async with serving(lambda records: 7) as (_, channel):
        assert (await invoke(channel, b"data")).error.type == "TypeError"


@pytest.mark.asyncio
async def test_a_batch_of_eleven_mebibytes_arrives() -> None:
    async with serving(lambda records: [] if len(records[0].data) == 11 << 20 else records) as (_, channel):
        assert failed(await invoke(channel, bytes(11 << 20))) == []


@pytest.mark.asyncio
async def test_batches_come_at_the_same_time_but_no_more_than_the_bound() -> None:
    both, now, most = threading.Barrier(2, timeout=10), 0, 0
    lock = threading.Lock()

    def handle(records: list[Record]) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        both.wait()
        with lock:
            now -= 1

    async with serving(handle, concurrency=2) as (_, channel):
        await asyncio.gather(*(invoke(channel, b"data") for _ in range(6)))

    assert most == 2


@pytest.mark.asyncio
async def test_an_async_handler_is_cancelled_when_its_caller_gives_up() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def handle(records: list[Record]) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(handle) as (_, channel):
        call = asyncio.ensure_future(invoke(channel, b"data"))
        await begun.wait()
        call.cancel()
        await asyncio.wait_for(cancelled.wait(), 10)


@pytest.mark.asyncio
async def test_health_says_serving_and_tells_watchers_of_the_drain() -> None:
    stubs: Any = health_pb2_grpc
    async with serving(plain) as (served, channel):
        health = stubs.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == SERVING
        assert (await watch.read()).status == SERVING
        with pytest.raises(grpc.aio.AioRpcError, match="does not serve"):
            await health.Check(health_pb2.HealthCheckRequest(service="other"))

        assert await served.drain(10)

        assert (await watch.read()).status == NOT_SERVING
        assert await watch.read() is grpc.aio.EOF


@pytest.mark.asyncio
@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_the_handler_under_both_of_its_names(version: str) -> None:
    async with serving(plain) as (_, channel):
        call = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )([reflection_pb2.ServerReflectionRequest(list_services="")])
        names = {each.name async for answer in call for each in answer.list_services_response.service}

    assert SERVICE in names


@pytest.mark.asyncio
async def test_a_drain_finishes_the_batch_in_the_handler() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def handle(records: list[Record]) -> None:
        begun.set()
        await go.wait()

    async with serving(handle) as (served, channel):
        call = asyncio.ensure_future(invoke(channel, b"data"))
        await begun.wait()
        drain = asyncio.ensure_future(served.drain(10))
        await asyncio.sleep(0)
        go.set()

        assert await drain
        assert failed(await call) == []


@pytest.mark.asyncio
async def test_a_second_server_on_the_same_port_is_refused() -> None:
    first, second = server.HandlerServer(plain), server.HandlerServer(plain)
    port = await first.start("127.0.0.1:0")

    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
        await second.start(f"127.0.0.1:{port}")
    await first.drain(0)
    await second.drain(0)


PROGRAM = """
import sys, threading
from millrace_sdk import serve

def handle(records):
    print("begun", flush=True)
    {body}

serve(handle, drain_timeout_seconds={seconds})
"""


@contextlib.contextmanager
def a_process(body: str = "pass", *, seconds: float = 10) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body, seconds=seconds)],
        env={**os.environ, "MILLRACE_HANDLER_LISTEN": "127.0.0.1:0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            word, port = process.stdout.readline().split()
            assert word == "ready"
            yield process, int(port)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_handler_that_is_told_to_stop_ends_with_code_0(number: signal.Signals) -> None:
    with a_process() as (process, _):
        process.send_signal(number)
        assert process.wait(10) == 0


@pytest.mark.asyncio
async def test_a_second_signal_ends_it_at_once() -> None:
    with a_process("threading.Event().wait()", seconds=60) as (process, port):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = asyncio.ensure_future(invoke(channel, b"data"))
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "begun\n"
            process.terminate()
            await asyncio.to_thread(_until_refused, port)
            process.terminate()
            assert await asyncio.to_thread(process.wait, 10) == 128 + signal.SIGTERM
            with pytest.raises(grpc.aio.AioRpcError):
                await call


@pytest.mark.asyncio
async def test_a_batch_that_outlives_the_drain_does_not_hold_the_process() -> None:
    with a_process("threading.Event().wait()", seconds=0.1) as (process, port):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = asyncio.ensure_future(invoke(channel, b"data"))
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "begun\n"
            process.terminate()
            assert await asyncio.to_thread(process.wait, 10) == server.EXIT_INTERRUPTED
            with pytest.raises(grpc.aio.AioRpcError):
                await call


def _until_refused(port: int) -> None:
    """Until the draining server takes no new connection: then the first signal has arrived."""
    stubs: Any = health_pb2_grpc
    while True:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                answer = stubs.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
            except grpc.RpcError:
                return
            if answer.status == NOT_SERVING:
                return
