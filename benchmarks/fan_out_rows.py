"""Rows of enhanced fan-out: one subscriber who catches up, and twenty who follow what is put."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
from millrace.stream.v1 import stream_service_pb2

from benchmarks import load, processes, wire
from benchmarks.client import TIMEOUT_SECONDS, Streams
from benchmarks.processes import Process
from benchmarks.row import Round, Row

RECORDS = 100_000
BATCH = 500
EVENT_BYTES = 1 << 20
MANY = 20
FOLLOWED_BATCHES = 100


async def one(rounds: int) -> Row:
    """Bytes a second of one subscriber who reads 100,000 records from the oldest on, over ready-made messages."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams, floor = Streams(stack.stream), load.Floor(stack.floor)
        await streams.create("bench", 1)
        await streams.fill("bench", RECORDS)
        await floor.keep(bytes(EVENT_BYTES))
        for turn in range(rounds):
            begin = time.perf_counter()
            ready = await floor.many(RECORDS * 1024 // EVENT_BYTES) / (time.perf_counter() - begin)
            rate = await _catch_up(stack.stream, await _register(streams, f"one-{turn}"), RECORDS * 1024)
            measured.append(Round(measured=rate / 1e6, floor=ready / 1e6))
        await streams.close()
        await floor.close()
        return Row(
            name="one subscriber who catches up / ready-made messages",
            unit="MB/s",
            bound=0.3,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


async def twenty(rounds: int) -> Row:
    """Records a second of 20 subscribers together while one caller puts, over one subscriber while it puts."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams = Streams(stack.stream)
        await streams.create("bench", 1)
        names = [await _register(streams, f"many-{number}") for number in range(MANY)]
        for _ in range(rounds):
            single = await _follow(stack.stream, streams, names[:1])
            measured.append(Round(measured=await _follow(stack.stream, streams, names), floor=single))
        await streams.close()
        return Row(
            name="20 subscribers together / one, while 500 records a call are put",
            unit="records/s",
            bound=5.0,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


async def _register(streams: Streams, name: str) -> str:
    request = stream_service_pb2.RegisterStreamConsumerRequest(stream_name="bench", consumer_name=name)
    await streams.stub.RegisterStreamConsumer(request, timeout=TIMEOUT_SECONDS)
    return name


def _subscription(name: str, position: int) -> stream_service_pb2.SubscribeToShardRequest:
    return stream_service_pb2.SubscribeToShardRequest(
        stream_name="bench",
        consumer_name=name,
        shard_id="shardId-000000000000",
        starting_position=position,  # type: ignore[arg-type]
    )


async def _catch_up(process: Process, name: str, size_bytes: int) -> float:
    """Bytes a second, undecoded, until so many came."""
    channel = wire.channel(process.address)
    begin, came = time.perf_counter(), 0
    call = _subscribe(channel)(_subscription(name, stream_service_pb2.SHARD_ITERATOR_TYPE_TRIM_HORIZON))
    while came < size_bytes:
        came += len(await call.read())
    call.cancel()
    rate = came / (time.perf_counter() - begin)
    await channel.close()
    return rate


def _subscribe(channel: grpc.aio.Channel) -> Any:
    return channel.unary_stream(
        "/millrace.stream.v1.StreamService/SubscribeToShard",
        request_serializer=stream_service_pb2.SubscribeToShardRequest.SerializeToString,
    )


async def _follow(process: Process, streams: Streams, names: list[str]) -> float:
    """Records a second that all subscribers get together while one caller puts so many batches."""
    request = Streams.batch("bench", BATCH)
    size_bytes = FOLLOWED_BATCHES * BATCH * 1024
    channels = [wire.channel(process.address) for _ in names]
    calls = [
        _subscribe(channel)(_subscription(name, stream_service_pb2.SHARD_ITERATOR_TYPE_LATEST))
        for channel, name in zip(channels, names, strict=True)
    ]
    for call in calls:
        await call.read()

    async def take(call: Any) -> None:
        came = 0
        while came < size_bytes:
            came += len(await call.read())

    begin = time.perf_counter()
    taking = [asyncio.ensure_future(take(call)) for call in calls]
    for _ in range(FOLLOWED_BATCHES):
        await streams.stub.PutRecords(request, timeout=TIMEOUT_SECONDS)
    await asyncio.gather(*taking)
    rate = FOLLOWED_BATCHES * BATCH * len(names) / (time.perf_counter() - begin)
    for call, channel in zip(calls, channels, strict=True):
        call.cancel()
        await channel.close()
    return rate
