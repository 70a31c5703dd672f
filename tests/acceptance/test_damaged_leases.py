"""Lease rows that were damaged on the disk: the shard waits and its mapping says so, the other shards go on."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from tests.support import mill, scale
from tests.support.clients import Clients
from tests.support.mill import Mill

FIRST, SECOND = "shardId-000000000000", "shardId-000000000001"
SAID = (
    f"PROBLEM: the stored position of {FIRST} is damaged: restore a copy of the mapping service's database, or delete "
    "the mapping and create it again"
)
DAMAGES = {
    "checkpoint": "UPDATE lease SET checkpoint = checkpoint + (1 << 30) WHERE shard_id = ?",
    "ended": "UPDATE lease SET ended = 1 WHERE shard_id = ?",
    "state": "INSERT OR REPLACE INTO delivery_state SELECT mapping_id, shard_id, '{}' FROM lease WHERE shard_id = ?",
    "checksum": "UPDATE lease SET checksum = (checksum | 1) - (checksum & 1) WHERE shard_id = ?",
}


@pytest.mark.asyncio
@pytest.mark.parametrize("damage", list(DAMAGES)[: scale.choose(small=2, full=4)])
async def test_a_damaged_lease_is_named_and_only_its_shard_waits(tmp_path: Path, damage: str) -> None:
    async with mill.running(tmp_path) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders", 2)
            await clients.register("recorder", running.handler.address)
            mapping_id = await clients.map("orders", "recorder", batch_size=1)
            before = {f"before-{number}" for number in range(16)}
            await clients.put_spread("orders", *before)
            await mill.until(lambda: before <= running.history.refresh().delivered, "records before")
            assert await asyncio.to_thread(running.mapping.stop) == 0
            kept = (tmp_path / "mapping.db").read_bytes()
            _run(tmp_path / "mapping.db", DAMAGES[damage])
            after = {f"after-{number}" for number in range(16)}
            await clients.put_spread("orders", *after)
            await asyncio.to_thread(running.mapping.start)
        async with Clients(running.stream.address, running.mapping.address) as clients:
            said = await clients.until_result(mapping_id, "damaged")
            log = await clients.log("orders", 2)
            healthy = {data for _, data in log[SECOND]} & after
            await mill.until(lambda: healthy <= running.history.refresh().delivered, "records of the other shard")
            meanwhile = _delivered(running, FIRST)

            await asyncio.to_thread(running.mapping.stop)
            (tmp_path / "mapping.db").write_bytes(kept)
            await asyncio.to_thread(running.mapping.start)
            await mill.until(lambda: after <= running.history.refresh().delivered, "everything, by the copy")

    assert said == SAID
    assert healthy
    assert not set(meanwhile) & after
    assert _delivered(running, FIRST) == [data for _, data in log[FIRST]]


def _delivered(running: Mill, shard_id: str) -> list[str]:
    calls = [call for call in running.history.refresh().invocations if call.shard == shard_id]
    return [data for call in calls for data in call.data]


def _run(database: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        assert connection.execute(statement, (FIRST,)).rowcount == 1
