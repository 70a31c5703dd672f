"""Rows of the read path: GetRecords, delivery."""

from __future__ import annotations

import asyncio
import itertools
import time

from millrace.handler.v1 import handler_service_pb2
from millrace.stream.v1 import stream_service_pb2

from benchmarks import load, processes
from benchmarks.client import TIMEOUT_SECONDS, Mappings, Streams
from benchmarks.row import Round, Row

READ_RECORDS = 10_000  # with their keys just below the 10 MiB that one read may have
READ_CALLERS = 4
DELIVER_RECORDS = 100_000
DELIVER_BATCH = 1_000
DELIVER_SHARDS = 4


async def get_records(rounds: int) -> Row:
    """GetRecords of 10,000 records of 1 KiB by 4 callers, over the same bytes ready-made."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams, floor = Streams(stack.stream), load.Floor(stack.floor)
        await streams.create("bench", 1)
        await streams.fill("bench", 20_000)
        request = stream_service_pb2.GetRecordsRequest(limit=READ_RECORDS)
        request.position.stream_name = "bench"
        request.position.shard_id = "shardId-000000000000"
        read = streams.channel.unary_unary(
            "/millrace.stream.v1.StreamService/GetRecords",
            request_serializer=stream_service_pb2.GetRecordsRequest.SerializeToString,
        )
        payload = await read(request, timeout=TIMEOUT_SECONDS)
        count = len(stream_service_pb2.GetRecordsResponse.FromString(payload).records)
        assert count == READ_RECORDS, count
        await floor.keep(payload)

        async def get() -> None:
            assert len(await read(request, timeout=TIMEOUT_SECONDS)) >= len(payload) - 64

        for _ in range(rounds):
            ready = await load.rate(floor.ready_made, READ_CALLERS, each=count)
            measured.append(Round(measured=await load.rate(get, READ_CALLERS, each=count), floor=ready))
        await streams.close()
        await floor.close()
        return Row(
            name="GetRecords of 10,000, 4 callers / the same bytes ready-made",
            unit="records/s",
            bound=0.5,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


async def delivered(rounds: int) -> Row:
    """Records a second to a handler that does nothing, batch 1,000, over the same messages sent ready-made."""
    measured: list[Round] = []
    with processes.running(mapping=True) as stack:
        assert stack.mapping is not None
        streams, mappings, sink = Streams(stack.stream), Mappings(stack.mapping), load.Sink(stack.sink)
        await streams.create("bench", DELIVER_SHARDS)
        await streams.fill("bench", DELIVER_RECORDS)
        message = _message()
        for _ in range(rounds):
            floor = await _ready_made(sink, message)
            await sink.reset()
            handler = await mappings.register(stack.sink.address)
            mapping_id = await mappings.create("bench", handler, batch_size=DELIVER_BATCH)
            stats = await sink.until(DELIVER_RECORDS, timeout_seconds=60)
            measured.append(Round(measured=stats["records"] / stats["seconds"], floor=floor))
            await _settle(mappings, mapping_id)
        for client in (streams, mappings, sink):
            await client.close()
        return Row(
            name="Delivered, batch 1,000 / the same messages ready-made",
            unit="records/s",
            bound=0.3,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


def _message() -> bytes:
    request = handler_service_pb2.InvokeRequest(
        invocation_id="0" * 36, mapping_id="0" * 36, event_source="streams/bench", shard_id="shardId-000000000000"
    )
    for index, entry in enumerate(Streams.batch("bench", DELIVER_BATCH).records):
        request.records.add(
            sequence_number=f"{index:030d}",
            approximate_arrival_unix_millis=1_700_000_000_000,
            partition_key=entry.partition_key,
            data=entry.data,
        )
    return request.SerializeToString()


async def _ready_made(sink: load.Sink, message: bytes) -> float:
    """As many callers as there are shards, one batch in flight each, as the pollers have."""
    await sink.reset()
    left = itertools.count()
    begin = time.perf_counter()

    async def caller() -> None:
        while next(left) < DELIVER_RECORDS // DELIVER_BATCH:
            await sink.invoke(message)

    await asyncio.gather(*(caller() for _ in range(DELIVER_SHARDS)))
    return DELIVER_RECORDS / (time.perf_counter() - begin)


async def _settle(mappings: Mappings, mapping_id: str) -> None:
    await mappings.disable(mapping_id)
    await asyncio.sleep(0.3)
