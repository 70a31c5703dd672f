"""Rows of size: many shards, many stored records, and trimming while others put."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from typing import Any

from google.protobuf import field_mask_pb2
from millrace.stream.v1 import stream_pb2, stream_service_pb2

from benchmarks import load, processes
from benchmarks.client import RECORD_BYTES, TIMEOUT_SECONDS, Streams
from benchmarks.row import Round, Row

BATCH = 500
CALLERS = 4
READERS = 2
MANY_SHARDS = 1_000
SHARDS_IN_TURN = 40
READ_RECORDS = 10_000
SMALL_BYTES = 100
MUCH_STORED = 5_000_000
LITTLE_STORED = 10_000
TRIMMED_RECORDS = 1_000_000
SHARD = "shardId-000000000000"


async def put_many_shards(rounds: int) -> Row:
    """Time of a record of PutRecords, a shard for each call as the Producer sends them: 1,000 shards over 1."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams = Streams(stack.stream)
        await streams.create("one", 1)
        await streams.create("many", MANY_SHARDS)
        one = itertools.cycle([_one_key("one", "key")])
        many = itertools.cycle([_one_key("many", key) for key in _keys_of_shards(SHARDS_IN_TURN)])
        for _ in range(rounds):
            floor = await load.rate(lambda: _put(streams, next(one)), CALLERS, each=BATCH)
            rate = await load.rate(lambda: _put(streams, next(many)), CALLERS, each=BATCH)
            measured.append(_round(rate, floor))
        await streams.close()
        return _row("PutRecords of 500 with 1,000 shards / with 1", 1.3, measured, stack)


async def get_many_shards(rounds: int) -> Row:
    """Time of a record of GetRecords: a shard of 1,000 over an only one."""
    measured: list[Round] = []
    with processes.running() as stack:
        streams = Streams(stack.stream)
        await streams.create("one", 1)
        await streams.create("many", MANY_SHARDS)
        for name in ("one", "many"):
            await streams.fill(name, 2 * READ_RECORDS, explicit_hash_key="1")
        for _ in range(rounds):
            floor = await _read_rate(streams, "one")
            rate = await _read_rate(streams, "many")
            measured.append(_round(rate, floor))
        await streams.close()
        return _row("GetRecords of 10,000 with 1,000 shards / with 1", 1.3, measured, stack)


async def put_much_stored(rounds: int) -> Row:
    """Time of a record of PutRecords with 5 million stored records over 10 thousand."""
    return await _much_stored(rounds, "PutRecords of 500 with 5,000,000 stored / with 10,000", _put_rate)


async def get_much_stored(rounds: int) -> Row:
    """Time of a record of GetRecords with 5 million stored records over 10 thousand."""
    return await _much_stored(rounds, "GetRecords of 10,000 with 5,000,000 stored / with 10,000", _read_rate)


async def trim(rounds: int) -> Row:
    """Rate of PutRecords while a million records are trimmed, over the rate when nothing is."""
    measured: list[Round] = []
    with processes.running(settings={"MILLRACE_STREAM_TRIM_INTERVAL_SECONDS": "0.1"}) as stack:
        streams = Streams(stack.stream)
        await streams.create("bench", 1)
        for turn in range(min(rounds, 3)):
            name = f"old-{turn}"
            await streams.create(name, 1)
            await _fill_small(streams, name, TRIMMED_RECORDS)
            floor = await _put_rate(streams, "bench")
            await _keep_little(streams, name)
            trimming = asyncio.ensure_future(_until_trimmed(streams, name))
            rates = []
            while not trimming.done():
                rates.append(await load.rate(lambda: _put(streams, _BENCH), CALLERS, each=BATCH, seconds=0.25))
            measured.append(Round(measured=sum(rates) / len(rates), floor=floor))
        await streams.close()
        return Row(
            name="PutRecords of 500 while 1,000,000 records are trimmed / otherwise",
            unit="records/s",
            bound=0.8,
            direction="at least",
            rounds=measured,
            peak_bytes=stack.peak_bytes(),
        )


async def _much_stored(rounds: int, name: str, rate: Any) -> Row:
    measured: list[Round] = []
    with processes.running() as much, processes.running() as little:
        full, empty = Streams(much.stream), Streams(little.stream)
        for streams, count in ((full, MUCH_STORED), (empty, LITTLE_STORED)):
            await streams.create("bench", 1)
            await _fill_small(streams, "bench", count)
        for _ in range(rounds):
            floor = await rate(empty, "bench")
            measured.append(_round(await rate(full, "bench"), floor))
        await full.close()
        await empty.close()
        return _row(name, 1.2, measured, much)


def _row(name: str, bound: float, measured: list[Round], stack: processes.Stack) -> Row:
    return Row(
        name=name,
        unit="µs/record",
        bound=bound,
        direction="at most",
        rounds=measured,
        peak_bytes=stack.peak_bytes(),
    )


def _round(rate: float, floor: float) -> Round:
    return Round(measured=1_000_000 / rate, floor=1_000_000 / floor)


def _one_key(stream: str, key: str, size: int = RECORD_BYTES) -> stream_service_pb2.PutRecordsRequest:
    """A request of 500 records with one key."""
    request = stream_service_pb2.PutRecordsRequest(stream_name=stream)
    for _ in range(BATCH):
        request.records.add(partition_key=key, data=bytes(size))
    return request


_BENCH = _one_key("bench", "key")


def _keys_of_shards(count: int) -> list[str]:
    """Keys of so many of 1,000 shards."""
    found: dict[int, str] = {}
    for number in itertools.count():
        key = f"key-{number}"
        digest = int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest())
        found.setdefault(digest * MANY_SHARDS >> 128, key)
        if len(found) == count:
            return list(found.values())
    raise AssertionError("keys do not end")


async def _put(streams: Streams, request: stream_service_pb2.PutRecordsRequest) -> None:
    answer = await streams.stub.PutRecords(request, timeout=TIMEOUT_SECONDS)
    assert answer.failed_record_count == 0


async def _put_rate(streams: Streams, name: str) -> float:
    assert name == "bench"
    return await load.rate(lambda: _put(streams, _BENCH), CALLERS, each=BATCH)


async def _read_rate(streams: Streams, name: str) -> float:
    """Records a second of reads from the oldest record on, undecoded."""
    request = stream_service_pb2.GetRecordsRequest(limit=READ_RECORDS)
    request.position.stream_name, request.position.shard_id = name, SHARD
    read = streams.channel.unary_unary(
        "/millrace.stream.v1.StreamService/GetRecords",
        request_serializer=stream_service_pb2.GetRecordsRequest.SerializeToString,
    )
    return await load.rate(lambda: read(request, timeout=TIMEOUT_SECONDS), READERS, each=READ_RECORDS)


async def _fill_small(streams: Streams, name: str, count: int) -> None:
    """Put so many small records."""
    request, left = _one_key(name, "key", SMALL_BYTES), itertools.count(0, BATCH)

    async def fill() -> None:
        while next(left) < count:
            await _put(streams, request)

    await asyncio.gather(*(fill() for _ in range(2 * CALLERS)))


async def _keep_little(streams: Streams, name: str) -> None:
    """Have almost all records of a stream trimmed."""
    await streams.stub.UpdateStream(
        stream_service_pb2.UpdateStreamRequest(
            stream=stream_pb2.Stream(stream_name=name, retention_bytes_per_shard=1 << 20),
            update_mask=field_mask_pb2.FieldMask(paths=["retention_bytes_per_shard"]),
        ),
        timeout=TIMEOUT_SECONDS,
    )


async def _until_trimmed(streams: Streams, name: str) -> None:
    request = stream_service_pb2.GetRecordsRequest(limit=1)
    request.position.stream_name, request.position.shard_id = name, SHARD
    request.position.after_sequence_number = await _floor_of(streams, name)
    while True:
        answer = await streams.stub.GetRecords(request, timeout=TIMEOUT_SECONDS)
        if answer.missed_records.record_count >= TRIMMED_RECORDS * 0.9:
            return
        await asyncio.sleep(0.05)


async def _floor_of(streams: Streams, name: str) -> str:
    request = stream_service_pb2.ListShardsRequest(stream_name=name)
    shards = (await streams.stub.ListShards(request, timeout=TIMEOUT_SECONDS)).shards
    return str(shards[0].sequence_number_range.starting_sequence_number)
