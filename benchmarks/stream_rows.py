"""Rows of the stream service: what numbering records costs, and what waiting costs."""

from __future__ import annotations

import asyncio
import os
import random

import grpc
from google.protobuf import duration_pb2
from millrace.stream.v1 import stream_service_pb2

from benchmarks import load, processes, wire
from benchmarks.client import TIMEOUT_SECONDS, Streams
from benchmarks.processes import Process
from benchmarks.row import Round, Row

BATCH = 500
BATCH_CALLERS = 4
MARK = bytes(range(16))
POLLS = 10_000
POLL_CHANNELS = 20
POLL_SECONDS = 20.0
POLL_TURNS = 2
POLLS_AT_ONCE = 100
"""Started together: a server has calls wait for it by the thousand, and cancels more."""

SETTLE_SECONDS = 3.0


async def idempotent(rounds: int) -> Row:
    """PutRecords of 500 numbered records, by 4 producers who are new with each call, over the same ones unnumbered."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams = Streams(stack.stream)
        await streams.create("bench", 4)
        send = streams.channel.unary_unary(
            "/millrace.stream.v1.StreamService/PutRecords",
            response_deserializer=stream_service_pb2.PutRecordsResponse.FromString,
        )
        request = Streams.batch("bench", BATCH)
        plain = request.SerializeToString()
        for number, record in enumerate(request.records):
            record.producer_id, record.producer_sequence = MARK, number + 1
        numbered = request.SerializeToString()

        async def put(payload: bytes) -> None:
            answer = await send(payload.replace(MARK, os.urandom(16)), timeout=TIMEOUT_SECONDS)
            assert answer.failed_record_count == 0

        for _ in range(rounds):
            without = await load.rate(lambda: put(plain), BATCH_CALLERS, each=BATCH)
            with_numbers = await load.rate(lambda: put(numbered), BATCH_CALLERS, each=BATCH)
            measured.append(Round(measured=with_numbers, floor=without))
        await streams.close()
        return Row(
            name="PutRecords of 500 numbered records / without numbers",
            unit="records/s",
            bound=0.8,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


async def long_polls(rounds: int) -> Row:
    """CPU, or memory if that is more, of 10,000 reads that wait 20 s for nothing, over an empty method that waits."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams = Streams(stack.stream)
        await streams.create("bench", 4)
        request = stream_service_pb2.GetRecordsRequest(max_wait=duration_pb2.Duration(seconds=int(POLL_SECONDS)))
        request.position.stream_name, request.position.shard_id = "bench", "shardId-000000000000"
        read = ("/millrace.stream.v1.StreamService/GetRecords", request.SerializeToString())
        wait = ("/millrace.bench.Floor/Wait", str(POLL_SECONDS).encode())
        for _ in range(min(rounds, 1)):
            floor_cpu, floor_memory = await _waiting(stack.floor, *wait)
            cpu, memory = await _waiting(stack.stream, *read)
            print(
                f"10,000 waiting calls: {cpu:.2f} s of CPU, {memory / 2**20:.0f} MiB; "
                f"an empty method: {floor_cpu:.2f} s, {floor_memory / 2**20:.0f} MiB"
            )
            measured.append(Round(measured=max(cpu / floor_cpu, memory / floor_memory), floor=1.0))
        await streams.close()
        return Row(
            name="10,000 reads that wait 20 s / an empty method that does, CPU or memory",
            unit="times",
            bound=1.5,
            direction="at most",
            rounds=measured,
        )


async def _waiting(process: Process, method: str, payload: bytes) -> tuple[float, float]:
    """Seconds of CPU and bytes of memory that so many waiting calls cost a process."""
    channels = [wire.channel(process.address) for _ in range(POLL_CHANNELS)]
    calls = [each.unary_unary(method) for each in channels]
    idle, before = process.resident_bytes(), process.cpu_seconds()

    async def poll(number: int) -> None:
        turns = 0
        while turns < POLL_TURNS:
            try:
                await calls[number % POLL_CHANNELS](payload, timeout=POLL_SECONDS + TIMEOUT_SECONDS)
                turns += 1
            except grpc.aio.AioRpcError:
                await asyncio.sleep(random.random())  # a server that is overrun cancels calls

    tasks = []
    for number in range(POLLS):
        tasks.append(asyncio.ensure_future(poll(number)))
        if number % POLLS_AT_ONCE == 0:
            await asyncio.sleep(0.1)
    await asyncio.sleep(POLL_SECONDS - SETTLE_SECONDS)
    memory = process.resident_bytes() - idle
    await asyncio.gather(*tasks)
    cpu = process.cpu_seconds() - before
    for channel in channels:
        await channel.close()
    return cpu, memory
