"""Peers at a handler's address that do everything wrong, and one that is good; at a given port or one of their own.

All serve inside the test's process. One ends and another takes its port, as when somebody repairs a handler.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from millrace.handler.v1 import handler_service_pb2

SERVICE = "millrace.handler.v1.HandlerService"
GARBAGE = b"\xff\xfe\xfd no message at all"
HUGE_BYTES = 100 * 1024 * 1024
HTTP_1 = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.so_reuseport", 0),
]

Behaviour = Callable[[bytes, Any], Awaitable[bytes]]


@dataclass(slots=True)
class Peer:
    """What listens at the address, and what it noticed."""

    port: int = 0
    calls: int = 0
    """Calls or, where the peer speaks no gRPC, connections."""
    batches: list[tuple[list[str], int]] = field(default_factory=list)
    """Data and attempt of each call that the good peer answered with success."""
    failing: set[str] = field(default_factory=set)
    """Data that the good peer fails a batch for."""

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.port}"

    @property
    def delivered(self) -> list[str]:
        """Data of all that was handled, in order, as often as it was."""
        return [data for batch, _ in self.batches for data in batch]


@contextlib.asynccontextmanager
async def good(port: int = 0) -> AsyncIterator[Peer]:
    """A handler that writes down what it gets, and fails batches with data that is in `failing`."""
    peer = Peer()

    async def behave(request: bytes, context: Any) -> bytes:
        asked = handler_service_pb2.InvokeRequest.FromString(request)
        data = [record.data.decode() for record in asked.records]
        if peer.failing & set(data):
            await context.abort(grpc.StatusCode.INTERNAL, "a failing record is in the batch")
        peer.batches.append((data, asked.attempt))
        return b""

    async with _grpc(peer, port, behave):
        yield peer


@contextlib.asynccontextmanager
async def hanging(port: int = 0) -> AsyncIterator[Peer]:
    """A handler that never answers."""

    async def behave(request: bytes, context: Any) -> bytes:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # it is never done

    async with _grpc(Peer(), port, behave) as peer:
        yield peer


@contextlib.asynccontextmanager
async def garbage(port: int = 0) -> AsyncIterator[Peer]:
    """A handler whose answers are no messages."""
    async with _grpc(Peer(), port, _answering(GARBAGE)) as peer:
        yield peer


@contextlib.asynccontextmanager
async def huge(port: int = 0) -> AsyncIterator[Peer]:
    """A handler whose answers have 100 MiB."""
    async with _grpc(Peer(), port, _answering(bytes(HUGE_BYTES))) as peer:
        yield peer


@contextlib.asynccontextmanager
async def wrong_service(port: int = 0) -> AsyncIterator[Peer]:
    """A gRPC server that serves something else."""
    async with _grpc(Peer(), port, _answering(b""), service="another.v1.Service") as peer:
        yield peer


@contextlib.asynccontextmanager
async def http_1(port: int = 0) -> AsyncIterator[Peer]:
    """A web server of the old kind."""
    async with _tcp(port, HTTP_1) as peer:
        yield peer


@contextlib.asynccontextmanager
async def silent(port: int = 0) -> AsyncIterator[Peer]:
    """A peer that accepts connections and says nothing."""
    async with _tcp(port, b"") as peer:
        yield peer


@contextlib.asynccontextmanager
async def down(port: int = 0) -> AsyncIterator[Peer]:
    """Nobody, at a port that was free a moment ago."""
    async with _tcp(port, b"") as peer:
        pass
    yield peer


def _answering(payload: bytes) -> Behaviour:
    async def behave(request: bytes, context: Any) -> bytes:
        return payload

    return behave


@contextlib.asynccontextmanager
async def _grpc(peer: Peer, port: int, behave: Behaviour, *, service: str = SERVICE) -> AsyncIterator[Peer]:
    async def counted(request: bytes, context: Any) -> bytes:
        peer.calls += 1
        return await behave(request, context)

    server = grpc.aio.server(options=OPTIONS)
    methods: Any = {"Invoke": grpc.unary_unary_rpc_method_handler(counted)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    peer.port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield peer
    finally:
        await server.stop(0)


@contextlib.asynccontextmanager
async def _tcp(port: int, answer: bytes) -> AsyncIterator[Peer]:
    peer, opened = Peer(), list[asyncio.StreamWriter]()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.calls += 1
        opened.append(writer)
        with contextlib.suppress(ConnectionError):
            await reader.read(1)
            writer.write(answer)
            if answer:
                writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for writer in opened:
            writer.transport.abort()
