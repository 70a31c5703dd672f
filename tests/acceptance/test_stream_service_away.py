"""The stream service is away for a while: its mappings say so, wait without haste, and go on where they were."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support import checker, mill, proc, scale
from tests.support.clients import Clients, Load
from tests.support.mill import Mill

SHARDS = 32
AWAY_SECONDS = scale.choose(small=2, full=60)
CPU_SHARE_MAX = 0.3
LOG_LINES_MAX = 10


@pytest.mark.asyncio
@pytest.mark.timeout(300)
async def test_delivery_goes_on_when_the_stream_service_is_back_and_was_no_busy_loop(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders", SHARDS)
            await clients.register("recorder", running.handler.address)
            mapping_id = await clients.map("orders", "recorder")
            async with Load(clients, "orders") as load:
                await mill.until(lambda: len(load.puts.stored) >= 2_000, "records before")
                before = len(load.puts.stored)
                await asyncio.to_thread(running.stream.kill)
                said = await clients.until_result(mapping_id, "PROBLEM")
                cpu, lines = proc.cpu_seconds(running.mapping.pid), len(running.mapping.log)
                await mill.a_moment(AWAY_SECONDS)
                cpu, lines = proc.cpu_seconds(running.mapping.pid) - cpu, len(running.mapping.log) - lines
                await asyncio.to_thread(running.stream.start)
                await mill.until(lambda: len(load.puts.stored) >= before + 2_000, "records after")
            await mill.until(lambda: _all_delivered(running, load), "every acknowledged record")
            await clients.until_result(mapping_id, "OK")
            log = await clients.log("orders", SHARDS)

    assert said == "PROBLEM: the stream service is unavailable"
    assert checker.check(load.puts, running.history.invocations, log) == []
    assert cpu < CPU_SHARE_MAX * AWAY_SECONDS
    assert lines <= LOG_LINES_MAX
    assert len({call.epoch for call in running.history.invocations}) == 1


def _all_delivered(running: Mill, load: Load) -> bool:
    history = running.history.refresh()
    return load.puts.stored.keys() <= history.delivered and not history.in_flight
