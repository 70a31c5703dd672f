"""Load: so many callers, each with one call in flight, for so long."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from benchmarks import floor_server, sink, wire
from benchmarks.processes import Process

ROUND_SECONDS = 2.0


async def rate(
    call: Callable[[], Awaitable[object]], callers: int, *, each: int = 1, seconds: float = ROUND_SECONDS
) -> float:
    """Calls a second, times `each`, of `callers` callers for so long."""
    done = 0
    begin = time.perf_counter()
    end = begin + seconds

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return done * each / (time.perf_counter() - begin)


async def paced(call: Callable[[], Awaitable[object]], calls_a_second: float, seconds: float) -> None:
    """Start a call every so often, on the clock, without waiting for the one before."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    running: set[asyncio.Future[object]] = set()
    for index in range(int(calls_a_second * seconds)):
        await asyncio.sleep(max(0.0, begin + index / calls_a_second - loop.time()))
        task = asyncio.ensure_future(call())
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


class Floor:
    """A client of the floor server."""

    def __init__(self, process: Process) -> None:
        self._channel = wire.channel(process.address)
        self._empty = self._channel.unary_unary(f"/{floor_server.SERVICE}/Empty")
        self._keep = self._channel.unary_unary(f"/{floor_server.SERVICE}/Keep")
        self._ready_made = self._channel.unary_unary(f"/{floor_server.SERVICE}/ReadyMade")
        self._wait = self._channel.unary_unary(f"/{floor_server.SERVICE}/Wait")
        self._many = self._channel.unary_stream(f"/{floor_server.SERVICE}Streams/Many")

    async def empty(self) -> None:
        """One empty call."""
        await self._empty(b"")

    async def keep(self, payload: bytes) -> None:
        """Have the server keep what ready_made() answers."""
        await self._keep(payload)

    async def ready_made(self) -> None:
        """One call that answers the kept bytes."""
        await self._ready_made(b"")

    async def wait(self, seconds: float) -> None:
        """One call that answers after so long."""
        await self._wait(str(seconds).encode())

    async def many(self, count: int) -> int:
        """One call that answers the kept bytes so often; how many bytes came."""
        return sum([len(each) async for each in self._many(str(count).encode())])

    async def empty_median_seconds(self, calls_a_second: float, seconds: float) -> float:
        """Median of empty calls at a pace."""
        taken: list[float] = []

        async def timed() -> None:
            begin = time.perf_counter()
            await self._empty(b"")
            taken.append(time.perf_counter() - begin)

        await paced(timed, calls_a_second, seconds)
        return statistics.median(taken)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()


class Sink:
    """A client of the sink's counters and of its handler."""

    def __init__(self, process: Process) -> None:
        self._channel = wire.channel(process.address)
        self._reset = self._channel.unary_unary(f"/{sink.SERVICE}/Reset")
        self._stats = self._channel.unary_unary(f"/{sink.SERVICE}/Stats")
        self.invoke: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            "/millrace.handler.v1.HandlerService/Invoke"
        )

    async def reset(self) -> None:
        """Forget what was counted."""
        await self._reset(b"")

    async def stats(self) -> dict[str, Any]:
        """What was counted."""
        answer: dict[str, Any] = json.loads(await self._stats(b""))
        return answer

    async def until(self, records: int, timeout_seconds: float) -> dict[str, Any]:
        """Wait for so many records; raises TimeoutError with what came."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            stats = await self.stats()
            if stats["records"] >= records:
                return stats
            if time.monotonic() > deadline:
                raise TimeoutError(f"{stats['records']} of {records} records in {timeout_seconds} s")
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()
