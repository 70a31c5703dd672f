"""Rows of the write path: PutRecords, PutRecord, Producer."""

from __future__ import annotations

import asyncio

from millrace.stream.v1 import stream_service_pb2
from millrace_sdk import Producer

from benchmarks import load, processes, raw_sqlite
from benchmarks.client import RECORD_BYTES, TIMEOUT_SECONDS, Streams
from benchmarks.row import Round, Row

CALLERS = 64
BATCH = 500
BATCH_CALLERS = 4


async def put_records(rounds: int) -> Row:
    """PutRecords of 500 records of 1 KiB by 4 callers, over raw rows."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams = Streams(stack.stream)
        await streams.create("bench", 4)
        request = Streams.batch("bench", BATCH)

        async def put() -> None:
            answer = await streams.stub.PutRecords(request, timeout=TIMEOUT_SECONDS)
            assert answer.failed_record_count == 0

        for _ in range(rounds):
            floor = await asyncio.to_thread(raw_sqlite.rows_a_second, BATCH, RECORD_BYTES)
            measured.append(Round(measured=await load.rate(put, BATCH_CALLERS, each=BATCH), floor=floor))
        await streams.close()
        return Row(
            name="PutRecords of 500, 4 callers / raw SQLite rows",
            unit="records/s",
            bound=0.5,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


async def put_record(rounds: int) -> Row:
    """PutRecord by 64 callers, over empty calls."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams, floor = Streams(stack.stream), load.Floor(stack.floor)
        await streams.create("bench", 4)
        request = stream_service_pb2.PutRecordRequest(
            stream_name="bench", partition_key="key", data=bytes(RECORD_BYTES)
        )

        async def put() -> None:
            await streams.stub.PutRecord(request, timeout=TIMEOUT_SECONDS)

        for _ in range(rounds):
            empty = await load.rate(floor.empty, CALLERS)
            measured.append(Round(measured=await load.rate(put, CALLERS), floor=empty))
        await streams.close()
        await floor.close()
        return Row(
            name="PutRecord, 64 callers / empty calls",
            unit="calls/s",
            bound=0.5,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


async def producer(rounds: int) -> Row:
    """64 concurrent awaits of Producer.put, over empty calls."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams, floor = Streams(stack.stream), load.Floor(stack.floor)
        await streams.create("bench", 1)
        async with Producer(stack.stream.address) as sender:

            async def put() -> None:
                await sender.put("bench", bytes(RECORD_BYTES), "key")

            for _ in range(rounds):
                empty = await load.rate(floor.empty, CALLERS)
                measured.append(Round(measured=await load.rate(put, CALLERS), floor=empty))
        await streams.close()
        await floor.close()
        return Row(
            name="Producer.put, 64 awaits / empty calls",
            unit="records/s",
            bound=4.0,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )
