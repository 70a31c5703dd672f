"""The SDK's Producer while shards are split, merged and scaled and the stream service is killed: once, and in order."""

from __future__ import annotations

import asyncio
import itertools
import random
from pathlib import Path
from typing import Any

import grpc
import pytest
from millrace.stream.v1 import stream_service_pb2 as pb
from millrace_sdk import Producer, PutFailed

from tests.support import mill, scale
from tests.support.clients import TIMEOUT_SECONDS, Clients
from tests.support.mill import Service

KEYS = [f"key-{number}" for number in range(16)]
ROUNDS = scale.choose(small=3, full=20)
RECORDS_BETWEEN = 200
SHARDS_MAX = 8
HASH_KEYS = 1 << 128


class Writer:
    """Puts of every key, one after the other; what was acknowledged, and what may be stored or not."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.stored: dict[bytes, str] = {}
        self.unknown: set[bytes] = set()
        self.is_on = True

    async def run(self, key: str) -> None:
        """Put one key's records until told to stop; two are under way at a time."""
        for serial in itertools.count():
            if not self.is_on:
                return
            await asyncio.gather(*(self._put(key, f"{key} {2 * serial + each:08d}".encode()) for each in range(2)))

    async def _put(self, key: str, data: bytes) -> None:
        try:
            self.stored[data] = (await self._producer.put("orders", data, key)).sequence_number
        except PutFailed:
            self.unknown.add(data)


@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_each_record_is_stored_once_and_each_key_stays_in_order(tmp_path: Path) -> None:
    chance = random.Random("producer")
    environment = {"MILLRACE_STREAM_DATABASE_URL": f"sqlite:///{tmp_path / 'stream.db'}"}
    service = Service("stream_service", "MILLRACE_STREAM_LISTEN", environment, tmp_path / "log")
    await asyncio.to_thread(service.start)
    try:
        async with Clients(service.address, service.address) as clients:
            await clients.create_stream("orders", 3)
            async with Producer(service.address) as producer:
                writer = Writer(producer)
                writing = asyncio.gather(*(writer.run(key) for key in KEYS))
                for _ in range(ROUNDS):
                    enough = len(writer.stored) + RECORDS_BETWEEN
                    await mill.until(lambda: len(writer.stored) >= enough, "enough acknowledged records")  # noqa: B023
                    changing = asyncio.create_task(_change(clients, chance))
                    await mill.a_moment(chance.random() / 50)
                    await asyncio.to_thread(service.kill)
                    await asyncio.to_thread(service.start)
                    await changing
                    _assert_covered(await _shards(clients))
                writer.is_on = False
                await writing
            found = await _all_records(clients)
    finally:
        await asyncio.to_thread(service.kill)
    data = [each for _, _, each in found]
    assert len(data) == len(set(data)), "a record is stored twice"
    assert {each: number for number, _, each in found if each in writer.stored} == writer.stored
    assert set(data) - writer.stored.keys() <= writer.unknown
    for key in KEYS:
        in_order = [each for _, owner, each in sorted(found) if owner == key]
        assert in_order == sorted(in_order), key


async def _change(clients: Clients, chance: random.Random) -> None:
    """Something that fits. The service is killed meanwhile, so that any outcome is as good."""
    opened = [each for each in await _shards(clients) if not each.HasField("close_time")]
    opened.sort(key=lambda each: int(each.hash_key_range.starting_hash_key))
    kind, place = chance.choice(["split", "merge", "scale"]), chance.randrange(len(opened))
    call: Any = clients.stream.UpdateShardCount
    target = chance.randint((len(opened) + 1) // 2, min(SHARDS_MAX, 2 * len(opened)))
    request: Any = pb.UpdateShardCountRequest(stream_name="orders", target_shard_count=target)
    if kind == "split" and len(opened) < SHARDS_MAX:
        owned = opened[place].hash_key_range
        middle = chance.randint(int(owned.starting_hash_key) + 2, int(owned.ending_hash_key) - 1)
        call = clients.stream.SplitShard
        request = pb.SplitShardRequest(
            stream_name="orders", shard_id=opened[place].shard_id, new_starting_hash_key=str(middle)
        )
    elif kind == "merge" and place + 1 < len(opened):
        low, high = opened[place : place + 2]
        call = clients.stream.MergeShards
        request = pb.MergeShardsRequest(stream_name="orders", shard_id=low.shard_id, adjacent_shard_id=high.shard_id)
    try:
        await call(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise


async def _shards(clients: Clients) -> list[Any]:
    request = pb.ListShardsRequest(stream_name="orders")
    while True:
        try:
            return list((await clients.stream.ListShards(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True)).shards)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise


def _assert_covered(shards: list[Any]) -> None:
    ranges = sorted(
        (int(each.hash_key_range.starting_hash_key), int(each.hash_key_range.ending_hash_key))
        for each in shards
        if not each.HasField("close_time")
    )
    assert (ranges[0][0], ranges[-1][1]) == (0, HASH_KEYS - 1)
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(ranges))


async def _all_records(clients: Clients) -> list[tuple[str, str, bytes]]:
    """Number, key and data of everything that the stream holds."""
    log = await clients.log("orders", len(await _shards(clients)))
    return [(number, data.split(" ")[0], data.encode()) for records in log.values() for number, data in records]
