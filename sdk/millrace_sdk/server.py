"""`serve`: makes a function a handler. It owns the process: server, health, reflection, limits and drain are inside.

serving --SIGTERM or SIGINT--> draining: health says no, no new batch is taken, those under way are finished --> return
                                  | second signal, or a batch that outlives the drain: exit at once
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

import grpc

from millrace_sdk import handler_servicer, health, limits, reflection
from millrace_sdk.handler_servicer import Handle

DEFAULT_LISTEN = "127.0.0.1:7500"
EXIT_INTERRUPTED = 1

_log = logging.getLogger("millrace_sdk")


def serve(
    handle: Handle,
    *,
    port: int | None = None,
    listen: str | None = None,
    concurrency: int = 32,
    drain_timeout_seconds: float = 10.0,
) -> None:
    """Serve a handler until the process is told to stop by SIGTERM or SIGINT.

    `handle` takes the records of a batch, in order, as a list (a `Batch`, which also knows its shard, attempt, epoch
    and invocation id) and returns those that failed, or None. A plain function runs on threads, a coroutine function
    on the event loop; batches of different shards come at the same time, at most `concurrency`. An exception fails the
    whole batch and is answered as such; `Unretryable` also discards it.

    It listens on `listen` ("HOST:PORT"), or `port` on 127.0.0.1, or what MILLRACE_HANDLER_LISTEN or PORT say, or port
    7500; port 0 takes a free one. Prints `ready PORT` when it serves. Raises OSError when it cannot listen there, and
    ValueError when that is not an address.
    """
    address = listen_address(port, listen)
    asyncio.run(_serve(handle, address, concurrency=concurrency, drain_timeout_seconds=drain_timeout_seconds))


class HandlerServer:
    """The server of one handler, on the running loop."""

    def __init__(self, handle: Handle, *, concurrency: int = 32) -> None:
        self._servicer = handler_servicer.HandlerServicer(handle, concurrency=concurrency)
        self._health = health.Health([handler_servicer.SERVICE_NAME])
        self._server = grpc.aio.server(options=limits.server_options())
        self._servicer.add_to(self._server)
        self._health.add_to(self._server)
        reflection.add_to(self._server, [handler_servicer.SERVICE_NAME, health.SERVICE_NAME])

    async def start(self, address: str) -> int:
        """Listen on HOST:PORT and serve; the port. Raises OSError when it cannot listen there."""
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise _refused(address) from error
        if port == 0:
            raise _refused(address)
        await self._server.start()
        return port

    async def drain(self, timeout_seconds: float) -> bool:
        """Take no new batch and finish those under way; False when that took too long."""
        self._health.drain()
        await self._server.stop(timeout_seconds)
        self._servicer.close()
        return self._servicer.running == 0


def listen_address(port: int | None, listen: str | None) -> str:
    """Where to listen: what the arguments say, then MILLRACE_HANDLER_LISTEN, then PORT, then port 7500."""
    if port is not None and listen is not None:
        raise ValueError("say where to listen by port or by listen, not by both")
    if port is not None:
        return _checked(f"127.0.0.1:{port}")
    by_environment = os.environ.get("MILLRACE_HANDLER_LISTEN")
    if by_environment is None and "PORT" in os.environ:
        by_environment = f"127.0.0.1:{os.environ['PORT']}"
    return _checked(listen or by_environment or DEFAULT_LISTEN)


async def _serve(handle: Handle, address: str, *, concurrency: int, drain_timeout_seconds: float) -> None:
    asked = asyncio.Event()
    _listen_to_signals(asked)
    server = HandlerServer(handle, concurrency=concurrency)
    port = await server.start(address)
    sys.stdout.write(f"ready {port}\n")
    sys.stdout.flush()
    await asked.wait()
    if not await server.drain(drain_timeout_seconds):
        _log.error("a batch was still being handled after %.0f s; the process ends without it", drain_timeout_seconds)
        _exit_at_once(EXIT_INTERRUPTED)


def _listen_to_signals(asked: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def on_signal() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, lambda second, _frame: _exit_at_once(128 + second))
        asked.set()

    for number in numbers:
        loop.add_signal_handler(number, on_signal)


def _exit_at_once(code: int) -> None:
    """Without waiting for threads, which may hang."""
    sys.stdout.flush()
    logging.shutdown()
    os._exit(code)


def _checked(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{address!r} is not an address to listen on; an example: 127.0.0.1:7500")
    return address


def _refused(address: str) -> OSError:
    return OSError(f"cannot listen on {address}: another process does, or the address is not of this machine")
