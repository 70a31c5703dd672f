"""What clients of ours repeat by themselves: calls that look, when the service is away for a moment. Never a put."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from millrace.stream.v1 import stream_service_pb2
from millrace_sdk.stream_client import StreamClient as SdkClient

from chassis.clock import SystemClock
from mapping_service.core.errors import StreamServiceUnavailable
from mapping_service.pollers.stream_client import StreamClient as PollerClient

pytestmark = pytest.mark.asyncio
SERVICE = "millrace.stream.v1.StreamService"


class Flaky:
    """A stream service whose methods are away for their first calls."""

    def __init__(self, failures: int, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        self._failures = failures
        self._code = code
        self.calls: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = grpc.aio.server()
        names = ("ListShards", "ListStreams", "GetShardIterator", "PutRecords")
        methods = {name: grpc.unary_unary_rpc_method_handler(self._method(name)) for name in names}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(None)

    def _method(self, name: str) -> Any:
        async def method(request: bytes, context: Any) -> bytes:
            self.calls[name] += 1
            if self.calls[name] <= self._failures:
                await context.abort(self._code, "away")
            return b""

        return method


async def test_a_producer_repeats_the_listing_of_shards_but_never_a_put() -> None:
    flaky = Flaky(failures=2)
    async with flaky.running() as address:
        client = SdkClient(address, call_timeout_seconds=20)
        assert await client.shards("orders") == []
        with pytest.raises(grpc.aio.AioRpcError):
            await client.put_records(stream_service_pb2.PutRecordsRequest(stream_name="orders"))
        await client.close()

    assert flaky.calls == {"ListShards": 3, "PutRecords": 1}


async def test_a_mapping_service_repeats_what_only_looks() -> None:
    flaky = Flaky(failures=2)
    async with flaky.running() as address:
        client = PollerClient(address, SystemClock())
        await asyncio.gather(client.list_shards("orders"), client.marks())
        await client.close()

    assert flaky.calls == {"ListShards": 3, "ListStreams": 3}


async def test_it_gives_up_after_four_attempts() -> None:
    flaky = Flaky(failures=99)
    async with flaky.running() as address:
        client = PollerClient(address, SystemClock())
        with pytest.raises(StreamServiceUnavailable):
            await client.marks()
        await client.close()

    assert flaky.calls == {"ListStreams": 4}


async def test_a_refusal_is_not_repeated() -> None:
    flaky = Flaky(failures=1, code=grpc.StatusCode.RESOURCE_EXHAUSTED)
    async with flaky.running() as address:
        client = PollerClient(address, SystemClock())
        with pytest.raises(StreamServiceUnavailable):
            await client.marks()
        await client.close()

    assert flaky.calls == {"ListStreams": 1}
