"""Random splits, merges and scales under load, with kills of both services between: rules L1, L3 and K3 in one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from millrace.stream.v1 import stream_service_pb2

from tests.support import checker, mill, scale
from tests.support.clients import TIMEOUT_SECONDS, Clients, Load
from tests.support.history import Invocation
from tests.support.mill import Mill

SHARDS = 3
ROUNDS = scale.choose(small=5, full=20)
RECORDS_BETWEEN = 400
HASH_KEYS = 2**128
SEEDS = scale.choose(small=1, full=2)


@pytest.mark.asyncio
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_resharded_and_killed_at_random_it_loses_skips_and_reorders_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(f"resharding {seed}")
    async with mill.running(tmp_path, seconds="0.01") as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders", SHARDS)
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder", batch_size=100)
            async with Load(clients, "orders") as load:
                for round_ in range(ROUNDS):
                    enough = len(load.puts.stored) + RECORDS_BETWEEN
                    await mill.until(lambda: len(load.puts.stored) >= enough, "enough acknowledged records")  # noqa: B023
                    await _change_anything(clients, chance)
                    if round_ % 2:
                        await _kill(running, chance.choice(["stream", "mapping"]))
                        _assert_covered(await _shards(clients))
            await mill.until(
                lambda: load.puts.stored.keys() <= running.history.refresh().delivered,
                "every acknowledged record delivered",
                seconds=120,
            )
            shards = await _shards(clients)
            log = await clients.log("orders", len(shards))
    calls = running.history.refresh().invocations

    assert len(shards) > SHARDS
    _assert_covered(shards)
    assert checker.check(load.puts, calls, log) == []
    assert _early_children(shards, calls, log) == []
    assert _keys_out_of_order(shards, log) == []


async def _change_anything(clients: Clients, chance: random.Random) -> None:
    """One change that fits. An unknown outcome, or one that was overtaken, is as good as any."""
    opened = _by_hash_key([each for each in await _shards(clients) if not each.HasField("close_time")])
    kind = chance.choice(["split", "merge", "scale"])
    request: Any
    if kind == "merge" and len(opened) > 1:
        place = chance.randrange(len(opened) - 1)
        request = stream_service_pb2.MergeShardsRequest(
            stream_name="orders", shard_id=opened[place].shard_id, adjacent_shard_id=opened[place + 1].shard_id
        )
        call = clients.stream.MergeShards
    elif kind == "scale" or len(opened) > 8:
        target = chance.randint((len(opened) + 1) // 2, min(8, 2 * len(opened)))
        request = stream_service_pb2.UpdateShardCountRequest(stream_name="orders", target_shard_count=target)
        call = clients.stream.UpdateShardCount
    else:
        shard = chance.choice(opened)
        low, high = int(shard.hash_key_range.starting_hash_key), int(shard.hash_key_range.ending_hash_key)
        request = stream_service_pb2.SplitShardRequest(
            stream_name="orders", shard_id=shard.shard_id, new_starting_hash_key=str(chance.randint(low + 2, high - 1))
        )
        call = clients.stream.SplitShard
    await call(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True)


async def _kill(running: Mill, victim: str) -> None:
    service = running.mapping if victim == "mapping" else running.stream
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)


async def _shards(clients: Clients) -> Sequence[Any]:
    request = stream_service_pb2.ListShardsRequest(stream_name="orders")
    while True:
        # A connection may break while a service that was killed comes back.
        with contextlib.suppress(grpc.aio.AioRpcError):
            answer = await clients.stream.ListShards(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True)
            return list(answer.shards)


def _by_hash_key(shards: Sequence[Any]) -> list[Any]:
    return sorted(shards, key=lambda each: int(each.hash_key_range.starting_hash_key))


def _assert_covered(shards: Sequence[Any]) -> None:
    """The open shards cover the hash keys, each key once."""
    opened = _by_hash_key([each for each in shards if not each.HasField("close_time")])
    assert int(opened[0].hash_key_range.starting_hash_key) == 0
    assert int(opened[-1].hash_key_range.ending_hash_key) == HASH_KEYS - 1
    for one, other in itertools.pairwise(opened):
        assert int(one.hash_key_range.ending_hash_key) + 1 == int(other.hash_key_range.starting_hash_key)


def _parents(shard: Any) -> list[str]:
    return [parent for parent in (shard.parent_shard_id, shard.adjacent_parent_shard_id) if parent]


def _early_children(shards: Sequence[Any], calls: Sequence[Invocation], log: checker.Log) -> list[str]:
    """Children of which a record was sent before their parents' records were all settled."""
    first_call: dict[str, float] = {}
    settled: dict[str, float] = {}
    for call in calls:
        first_call.setdefault(call.shard, call.started)
        for data in call.data[: call.settled]:
            settled.setdefault(data, call.ended or 0.0)
    return [
        f"{shard.shard_id} before {parent}"
        for shard in shards
        for parent in _parents(shard)
        if shard.shard_id in first_call
        and any(settled[data] > first_call[shard.shard_id] for _, data in log.get(parent, ()))
    ]


def _keys_out_of_order(shards: Sequence[Any], log: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """Children with a number that is not above all of their parents'."""
    return [
        f"{shard.shard_id} goes back behind {parent}"
        for shard in shards
        for parent in _parents(shard)
        if log.get(parent) and log.get(shard.shard_id) and log[shard.shard_id][0][0][:20] <= log[parent][-1][0][:20]
    ]
