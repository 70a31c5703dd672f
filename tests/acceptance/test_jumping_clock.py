"""Rules C1 and C2 with real processes: the wall clock jumps, and numbers rise, nothing is trimmed, nothing expires."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tests.support import checker, clocked, mill
from tests.support.clients import Clients
from tests.support.history import Puts
from tests.support.mill import Mill

HOUR = 3600
MONTH = 30 * 24 * HOUR
JUMPS = [-HOUR, MONTH]
"""Seconds that the clock is ahead, one after the other, while both services run; then others over restarts."""
DAY = 24 * HOUR


@pytest.mark.asyncio
async def test_the_wall_clock_jumps_while_running_and_over_restarts_and_nothing_is_lost(tmp_path: Path) -> None:
    clock = tmp_path / "ahead"
    clocked.set_ahead(clock, 0)
    settings = {"MILLRACE_STREAM_TRIM_INTERVAL_SECONDS": "0.1"}
    expected = ["first"]
    async with mill.running(tmp_path, clock=clock, stream_settings=settings) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.register("recorder", running.handler.address)
            mapping_id = await clients.map("orders", "recorder", maximum_record_age={"seconds": DAY})
            await _deliver(running, clients, "first")
            for ahead in JUMPS:
                expected += await _jump_while_records_wait(running, clients, clock, ahead, mapping_id)
            for ahead in [MONTH - HOUR, 0]:
                expected += await _jump_over_a_restart(running, clients, clock, ahead)
            log = await clients.log("orders", 1)

    [(shard, records)] = log.items()
    assert [data for _, data in records] == expected
    puts = Puts(stored={data: (shard, number) for number, data in records})
    assert checker.check(puts, running.history.invocations, log) == []
    with sqlite3.connect(f"file:{tmp_path / 'mapping.db'}?mode=ro", uri=True) as connection:
        assert connection.execute("SELECT condition FROM dead_letter").fetchall() == []


async def _jump_while_records_wait(
    running: Mill, clients: Clients, clock: Path, ahead: float, mapping_id: str
) -> list[str]:
    """Records wait for their handler while the clock jumps, and more come after the jump; none of them expires."""
    waiting, after = f"waiting {ahead}", f"after {ahead}"
    await asyncio.to_thread(running.handler.kill)
    await clients.put("orders", waiting)
    await clients.until_result(mapping_id, "PROBLEM: cannot connect")
    clocked.set_ahead(clock, ahead)
    await clients.put("orders", after)
    await asyncio.to_thread(running.handler.start)
    await mill.until(lambda: {waiting, after} <= running.history.refresh().delivered, after)
    await clients.until_result(mapping_id, "OK")
    return [waiting, after]


async def _jump_over_a_restart(running: Mill, clients: Clients, clock: Path, ahead: float) -> list[str]:
    await asyncio.to_thread(running.stream.kill)
    await asyncio.to_thread(running.mapping.kill)
    clocked.set_ahead(clock, ahead)
    await asyncio.to_thread(running.stream.start)
    await asyncio.to_thread(running.mapping.start)
    data = f"over a restart {ahead}"
    await _deliver(running, clients, data)
    return [data]


async def _deliver(running: Mill, clients: Clients, data: str) -> None:
    await clients.put("orders", data)
    await mill.until(lambda: data in running.history.refresh().delivered, data)
