"""Rows of the whole path: from put to handler, and what it costs when nothing happens."""

from __future__ import annotations

import asyncio
import statistics
import time

from millrace.stream.v1 import stream_service_pb2

from benchmarks import load, processes, raw_sqlite
from benchmarks.client import TIMEOUT_SECONDS, Mappings, Streams
from benchmarks.row import Round, Row

PACE_A_SECOND = 50.0
PACE_SECONDS = 4.0
IDLE_STREAMS = 1_000
IDLE_SHARDS = 4
IDLE_SECONDS = 60.0
SETTLE_SECONDS = 10.0


async def put_to_handler(rounds: int) -> Row:
    """Median from put to handler at 50 records/s, over two empty calls at that pace and one fsync."""
    measured: list[Round] = []
    with processes.running(mapping=True) as stack:
        assert stack.mapping is not None
        streams, mappings = Streams(stack.stream), Mappings(stack.mapping)
        floor, sink = load.Floor(stack.floor), load.Sink(stack.sink)
        await streams.create("bench", 1)
        await mappings.create("bench", await mappings.register(stack.sink.address))

        async def put() -> None:
            data = repr(time.monotonic()).encode()
            request = stream_service_pb2.PutRecordRequest(stream_name="bench", partition_key="key", data=data)
            await streams.stub.PutRecord(request, timeout=TIMEOUT_SECONDS)

        await load.paced(put, PACE_A_SECOND, 1.0)
        for _ in range(rounds):
            empty = await floor.empty_median_seconds(PACE_A_SECOND, PACE_SECONDS)
            fsync = await asyncio.to_thread(raw_sqlite.fsync_median_seconds)
            await sink.reset()
            await load.paced(put, PACE_A_SECOND, PACE_SECONDS)
            stats = await sink.until(int(PACE_A_SECOND * PACE_SECONDS), timeout_seconds=20)
            median = statistics.median(stats["latencies"])
            measured.append(Round(measured=median * 1000, floor=(2 * empty + fsync) * 1000))
        for client in (streams, mappings, floor, sink):
            await client.close()
        return Row(
            name="put to handler, 50 records/s / two empty calls and an fsync",
            unit="ms",
            bound=2.0,
            direction="at most",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


async def idle(rounds: int) -> Row:
    """CPU of both services with 1,000 streams of 4 shards, one mapping each, idle for 60 s; one round is enough."""
    with processes.running(mapping=True) as stack:
        assert stack.mapping is not None
        streams, mappings = Streams(stack.stream), Mappings(stack.mapping)
        handler = await mappings.register(stack.sink.address)
        for index in range(IDLE_STREAMS):
            await streams.create(f"idle-{index}", IDLE_SHARDS)
            await mappings.create(f"idle-{index}", handler)
        await asyncio.sleep(SETTLE_SECONDS)
        before = stack.stream.cpu_seconds() + stack.mapping.cpu_seconds()
        begin = time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        used = stack.stream.cpu_seconds() + stack.mapping.cpu_seconds() - before
        share = used / (time.perf_counter() - begin)
        await streams.close()
        await mappings.close()
        return Row(
            name="1,000 idle mappings of 4 shards, both services / one core",
            unit="cores",
            bound=0.05,
            direction="at most",
            rounds=[Round(measured=share, floor=1.0)],
            peak_bytes=stack.peak_bytes(),
        )
