"""The floors: an empty method, one that waits, and ones that send bytes that were given before, once or many times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc

from benchmarks import wire

SERVICE = "millrace.bench.Floor"


class Floor:
    """Does as little as a gRPC method can."""

    def __init__(self) -> None:
        self._ready_made = b""

    async def empty(self, request: bytes, context: object) -> bytes:
        """Answer nothing."""
        return b""

    async def keep(self, request: bytes, context: object) -> bytes:
        """Keep the bytes that `ready_made` answers."""
        self._ready_made = request
        return b""

    async def ready_made(self, request: bytes, context: object) -> bytes:
        """Answer the kept bytes."""
        return self._ready_made

    async def wait(self, request: bytes, context: object) -> bytes:
        """Answer nothing after as many seconds as the request says."""
        await asyncio.sleep(float(request))
        return b""

    async def many(self, request: bytes, context: object) -> AsyncIterator[bytes]:
        """Answer the kept bytes as often as the request says."""
        for _ in range(int(request)):
            yield self._ready_made


if __name__ == "__main__":
    floor = Floor()
    streams = grpc.method_handlers_generic_handler(
        f"{SERVICE}Streams", {"Many": grpc.unary_stream_rpc_method_handler(floor.many)}
    )
    wire.run(
        SERVICE, {"Empty": floor.empty, "Keep": floor.keep, "ReadyMade": floor.ready_made, "Wait": floor.wait}, streams
    )
