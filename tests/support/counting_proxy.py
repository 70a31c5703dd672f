"""Stands between the mapping service and the stream service, hands every message on, and counts the calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
OPTIONS = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.so_reuseport", 0),
]
STREAMING = "WatchAppends"


class CountingProxy(grpc.GenericRpcHandler):
    """Counts by the method's name. Answers on a streaming call have a count of their own, as `heard`."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        self.calls: Counter[str] = Counter()
        self.heard = 0
        self._channel: grpc.aio.Channel | None = None

    def hand_on_to(self, address: str) -> None:
        """Where the real service is; until this is known every call is UNAVAILABLE."""
        self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)

    async def close(self) -> None:
        """Leave the real service."""
        if self._channel is not None:
            await self._channel.close()

    def service(self, details: Any) -> Any:
        """The handler of any method, by bytes."""
        method = details.method
        if method.endswith(f"/{STREAMING}"):
            return grpc.stream_stream_rpc_method_handler(self._stream(method))
        return grpc.unary_unary_rpc_method_handler(self._unary(method))

    def _unary(self, method: str) -> Any:
        async def answer(request: bytes, context: Any) -> bytes:
            self.calls[method.rpartition("/")[2]] += 1
            async with self._errors_of(context):
                return bytes(await self._real(context).unary_unary(method)(request, timeout=context.time_remaining()))
            raise AssertionError("an error was handed on")

        return answer

    def _stream(self, method: str) -> Any:
        async def answer(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            self.calls[method.rpartition("/")[2]] += 1
            async with self._errors_of(context):
                async for response in self._real(context).stream_stream(method)(requests):
                    self.heard += 1
                    yield response

        return answer

    def _real(self, context: Any) -> Any:
        if self._channel is None:
            raise _NotYetThere
        return self._channel

    @contextlib.asynccontextmanager
    async def _errors_of(self, context: Any) -> AsyncIterator[None]:
        try:
            yield
        except _NotYetThere:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "nothing is there yet")
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details(), tuple(error.trailing_metadata()))


class _NotYetThere(Exception):
    pass


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[CountingProxy]:
    """A proxy for the length of the block."""
    server = grpc.aio.server(options=OPTIONS)
    proxy = CountingProxy(server)
    server.add_generic_rpc_handlers((proxy,))
    await server.start()
    try:
        yield proxy
    finally:
        await server.stop(0)
        await asyncio.shield(proxy.close())
