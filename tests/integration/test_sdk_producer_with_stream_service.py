"""The Producer against the real stream service, also when that is killed and comes back."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import Any

import grpc
import pytest
from millrace.stream.v1 import stream_service_pb2, stream_service_pb2_grpc
from millrace_sdk import Producer, ProducerSettings, PutFailed

from tests.support import stream_process

pytestmark = pytest.mark.asyncio

SHARD_COUNT = 4


async def create_stream(address: str, name: str) -> None:
    stubs: Any = stream_service_pb2_grpc
    async with grpc.aio.insecure_channel(address) as channel:
        request = stream_service_pb2.CreateStreamRequest(stream_name=name, shard_count=SHARD_COUNT)
        await stubs.StreamServiceStub(channel).CreateStream(request, timeout=10)


async def kept(address: str, name: str) -> dict[str, list[bytes]]:
    """All data in the stream by partition key, in order."""
    stubs: Any = stream_service_pb2_grpc
    found: dict[str, list[bytes]] = {}
    async with grpc.aio.insecure_channel(address) as channel:
        stub = stubs.StreamServiceStub(channel)
        for index in range(SHARD_COUNT):
            position = stream_service_pb2.ShardPosition(stream_name=name, shard_id=f"shardId-{index:012}")
            answer = await stub.GetRecords(stream_service_pb2.GetRecordsRequest(position=position), timeout=10)
            for record in answer.records:
                found.setdefault(record.partition_key, []).append(record.data)
    return found


@contextmanager
def a_service(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A stream service on a port, to be killed."""
    settings = {
        "MILLRACE_STREAM_LISTEN": f"127.0.0.1:{port}",
        "MILLRACE_STREAM_DATABASE_URL": f"sqlite:///{folder / 'stream.db'}",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "stream_service"], env={**environ, **settings}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("ready ")
            yield process
        finally:
            process.kill()


async def test_each_key_is_kept_in_the_order_of_its_puts(tmp_path: Path) -> None:
    with stream_process.running(tmp_path) as address:
        await create_stream(address, "orders")
        async with Producer(address) as producer:
            puts = (producer.put("orders", b"%04d" % index, f"key-{index % 9}") for index in range(500))
            results = await asyncio.gather(*puts)
        found = await kept(address, "orders")

    assert len({result.sequence_number for result in results}) == 500
    assert {result.shard_id for result in results} == {f"shardId-{index:012}" for index in range(SHARD_COUNT)}
    assert sum(len(data) for data in found.values()) == 500
    assert all(data == sorted(data) for data in found.values())


async def test_a_stream_that_is_not_there_is_named(tmp_path: Path) -> None:
    with stream_process.running(tmp_path) as address:
        async with Producer(address) as producer:
            with pytest.raises(PutFailed, match="STREAM_NOT_FOUND"):
                await producer.put("orders", b"data", "key")


async def test_a_record_too_large_for_the_stream_fails_alone(tmp_path: Path) -> None:
    with stream_process.running(tmp_path) as address:
        await create_stream(address, "orders")
        async with Producer(address) as producer:
            puts = [producer.put("orders", data, "key") for data in (b"1", bytes(2 << 20), b"3")]
            results = await asyncio.gather(*puts, return_exceptions=True)
        found = await kept(address, "orders")

    assert isinstance(results[1], PutFailed)
    assert results[1].reason == "RECORD_TOO_LARGE"
    assert found == {"key": [b"1", b"3"]}


async def test_puts_go_on_when_the_service_was_killed_and_comes_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    settings = ProducerSettings(backoff_seconds_base=0.01, backoff_seconds_max=0.1)
    halfway = asyncio.Event()

    async def put(producer: Producer, key: str) -> None:
        for index in range(100):
            await producer.put("orders", b"%04d" % index, key)
            if index == 50:
                halfway.set()

    async with Producer(address, settings) as producer:
        with a_service(tmp_path, port) as first:
            await create_stream(address, "orders")
            putting = [asyncio.ensure_future(put(producer, f"key-{number}")) for number in range(4)]
            await halfway.wait()
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait)
        with a_service(tmp_path, port):
            await asyncio.gather(*putting)
            found = await kept(address, "orders")

    # What was on its way when the service died was sent again under its number, and is there once.
    assert found == {f"key-{number}": [b"%04d" % index for index in range(100)] for number in range(4)}


class LosesAnswers(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """Lets every third answer of PutRecords get lost on its way back."""

    def __init__(self) -> None:
        self.puts = 0

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Make the call, and perhaps forget what it answered."""
        call = await continuation(details, request)
        if details.method.endswith(b"PutRecords"):
            self.puts += 1
            if self.puts % 3 == 0:
                await call
                nothing = grpc.aio.Metadata()
                raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, "lost")
        return call


@pytest.mark.parametrize("is_idempotent", [True, False])
async def test_a_record_whose_answer_was_lost_is_stored_once_unless_that_is_turned_off(
    tmp_path: Path, is_idempotent: bool
) -> None:
    settings = ProducerSettings(backoff_seconds_base=0.001, backoff_seconds_max=0.01, is_idempotent=is_idempotent)
    losing = LosesAnswers()
    with stream_process.running(tmp_path) as address:
        await create_stream(address, "orders")
        async with grpc.aio.insecure_channel(address, interceptors=[losing]) as channel:
            async with Producer(channel, settings) as producer:
                for round_ in range(12):
                    await asyncio.gather(
                        *(producer.put("orders", b"%d" % round_, f"key-{number}") for number in range(5))
                    )
        found = await kept(address, "orders")
    sent = {f"key-{number}": [b"%d" % round_ for round_ in range(12)] for number in range(5)}
    assert losing.puts > 12
    assert {key: list(dict.fromkeys(data)) for key, data in found.items()} == sent
    assert (found == sent) == is_idempotent


async def test_attributes_travel_with_their_record(tmp_path: Path) -> None:
    with stream_process.running(tmp_path) as address:
        await create_stream(address, "orders")
        async with Producer(address) as producer:
            await producer.put("orders", b"a", "key", attributes={"traceparent": "00-1"})
            with pytest.raises(ValueError, match="characters"):
                await producer.put("orders", b"a", "key", attributes={"a": "b" * 4_097})
            with pytest.raises(TypeError):
                await producer.put("orders", b"a", "key", attributes={"a": 1})  # type: ignore[dict-item]
        async with grpc.aio.insecure_channel(address) as channel:
            stub: Any = stream_service_pb2_grpc.StreamServiceStub(channel)
            peeked = await stub.PeekRecords(stream_service_pb2.PeekRecordsRequest(stream_name="orders"))
    assert [dict(record.attributes) for record in peeked.records] == [{"traceparent": "00-1"}]
