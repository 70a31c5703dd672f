"""Keepalive over real connections, at short times: who is silent is asked, who is gone is noticed, nobody is sent away.

gRPC's core asks at most once a second, so these tests take a few.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from millrace_sdk import limits as sdk_limits

from chassis.process import limits
from tests.support import mill

pytestmark = pytest.mark.asyncio

ASK_SECONDS = 1.0
SILENT_SECONDS = 5.5
"""Long enough for five questions; a server forgives two that come too often."""

Options = Callable[[], Any]
SIDES: list[tuple[str, Options, Options]] = [
    ("services", limits.client_options, limits.server_options),
    ("a mapping service calls a handler", limits.client_options, sdk_limits.server_options),
    ("a producer puts", sdk_limits.client_options, limits.server_options),
]


class Wire:
    """Lies between client and server: counts pings of the client, and can fall silent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []
        self.is_dead = False
        self.connections = 0
        self.pings = 0
        self.calls = 0

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        back, on = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends += [writer, on]
        for source, sink, counts in ((reader, on, True), (back, writer, False)):
            task = asyncio.create_task(self._pass_on(source, sink, counts=counts))
            self._tasks.add(task)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counts: bool) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if counts:
                sink.write(await source.readexactly(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
            while True:
                head = await source.readexactly(9)
                body = await source.readexactly(int.from_bytes(head[:3], "big"))
                self.pings += counts and head[3] == 6 and not head[4] & 1
                if not self.is_dead:
                    sink.write(head + body)
        sink.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._ends:
            each.close()
        await asyncio.gather(*(each.wait_closed() for each in self._ends), return_exceptions=True)


@contextlib.asynccontextmanager
async def a_wire(client: Options, server: Options) -> AsyncIterator[tuple[grpc.aio.Channel, Wire, asyncio.Event]]:
    """A channel to a server whose one method answers when the event is set, with a wire between them."""
    gate = asyncio.Event()

    async def answer(request: bytes, context: Any) -> bytes:
        wire.calls += 1
        await gate.wait()
        return b"flour"

    methods = {"Grind": grpc.unary_unary_rpc_method_handler(answer)}
    built = grpc.aio.server(options=server())
    built.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("mill.Mill", methods),))
    wire = Wire(built.add_insecure_port("127.0.0.1:0"))
    await built.start()
    between = await asyncio.start_server(wire.connect, "127.0.0.1", 0)
    port = between.sockets[0].getsockname()[1]
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=client()) as channel:
            yield channel, wire, gate
    finally:
        between.close()
        await wire.close()
        await built.stop(None)


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (limits, sdk_limits):
        monkeypatch.setattr(each, "KEEPALIVE_SECONDS", ASK_SECONDS)
        monkeypatch.setattr(each, "KEEPALIVE_TIMEOUT_SECONDS", 1)
        monkeypatch.setattr(each, "PING_INTERVAL_SECONDS_MIN", ASK_SECONDS / 2)


async def test_a_call_that_is_silent_for_long_is_asked_after_and_never_sent_away() -> None:
    async def one(client: Options, server: Options) -> tuple[bytes, int, int]:
        async with a_wire(client, server) as (channel, wire, gate):
            call = channel.unary_unary("/mill.Mill/Grind")(b"", timeout=30)
            await mill.a_moment(SILENT_SECONDS)
            gate.set()
            return await call, wire.connections, wire.pings

    found = await asyncio.gather(*(one(client, server) for _, client, server in SIDES))

    for (name, _, _), (answer, connections, pings) in zip(SIDES, found, strict=True):
        assert (answer, connections) == (b"flour", 1), name
        assert pings >= 4, name


async def test_a_client_that_asks_more_often_than_a_server_allows_is_sent_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PING_INTERVAL_SECONDS_MIN", 60)
    monkeypatch.setattr(limits, "KEEPALIVE_SECONDS", 60)
    async with a_wire(sdk_limits.client_options, limits.server_options) as (channel, _, _):
        with pytest.raises(grpc.aio.AioRpcError) as sent_away:
            await channel.unary_unary("/mill.Mill/Grind")(b"", timeout=30)

    assert "too many pings" in (sent_away.value.details() or "").lower()


async def test_a_peer_that_is_gone_without_a_word_is_noticed_during_a_call() -> None:
    async def one(client: Options, server: Options) -> grpc.StatusCode:
        async with a_wire(client, server) as (channel, wire, _):
            call = channel.unary_unary("/mill.Mill/Grind")(b"", timeout=30)
            await mill.until(lambda: wire.calls == 1, "the call")
            wire.is_dead = True
            with pytest.raises(grpc.aio.AioRpcError) as lost:
                await call
            return lost.value.code()

    found = await asyncio.gather(*(one(client, server) for _, client, server in SIDES))

    assert set(found) == {grpc.StatusCode.UNAVAILABLE}
