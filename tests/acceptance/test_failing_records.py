"""A record that always fails, with real processes: bisect, retries, partial answers, restarts in the middle."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.support import checker, mill, scale
from tests.support.clients import Clients
from tests.support.history import Puts
from tests.support.mill import Mill

POISON = "poison"


async def _deliver(running: Mill, clients: Clients, *data: str, **settings: Any) -> str:
    """Put records, then map the stream to the recorder; the mapping's id."""
    await clients.create_stream("orders")
    await clients.put("orders", *data)
    await clients.register("recorder", running.handler.address)
    return await clients.map("orders", "recorder", **settings)


def _batches(running: Mill) -> list[tuple[list[str], int]]:
    return [(call.data, call.attempt) for call in running.history.refresh().invocations]


def _dead_letters(running: Mill) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{running.folder / 'mapping.db'}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT condition, attempts, record_count, last_error FROM dead_letter").fetchall()


@pytest.mark.asyncio
async def test_bisect_isolates_the_record_and_the_others_are_delivered_in_order(tmp_path: Path) -> None:
    async with mill.running(tmp_path, failing=POISON) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await _deliver(
                running, clients, "1", POISON, "3", "4", bisect_batch_on_function_error=True, maximum_retry_attempts=1
            )
            await mill.until(lambda: {"1", "3", "4"} <= running.history.refresh().delivered, "the good records")

    assert _batches(running) == [
        (["1", POISON, "3", "4"], 1),
        (["1", POISON], 1),
        (["1"], 1),
        ([POISON], 1),
        ([POISON], 2),
        (["3", "4"], 1),
    ]
    [(condition, attempts, record_count, _)] = _dead_letters(running)
    assert ("RETRY" in str(condition).upper(), attempts, record_count) == (True, 2, 1)


@pytest.mark.asyncio
async def test_a_partial_answer_settles_what_comes_before_the_failure(tmp_path: Path) -> None:
    async with mill.running(tmp_path, failing=POISON, partial="1") as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await _deliver(
                running, clients, "1", "2", POISON, "4", report_batch_item_failures=True, maximum_retry_attempts=1
            )
            await mill.until(lambda: bool(_dead_letters(running)), "the dead letter")
            await clients.put("orders", "5")
            await mill.until(lambda: "5" in running.history.refresh().delivered, "the record after the discarded ones")

    batches = _batches(running)
    assert batches[:3] == [(["1", "2", POISON, "4"], 1), ([POISON, "4"], 1), ([POISON, "4"], 2)]
    assert all(POISON not in data for data, _ in batches[3:])
    assert [row[2] for row in _dead_letters(running)] == [2]


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", range(scale.choose(small=1, full=4)))
async def test_a_bisection_goes_on_where_it_was_when_the_service_was_killed(tmp_path: Path, seed: int) -> None:
    kills = sorted(random.Random(f"bisection {seed}").sample(range(1, 9), 3))
    records = ["1", "2", "3", POISON, "5"]
    async with mill.running(tmp_path, failing=POISON, seconds="0.05") as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await _deliver(running, clients, *records, bisect_batch_on_function_error=True, maximum_retry_attempts=2)
            for number in kills:
                await mill.until(lambda: _calls(running) >= number and _in_call(running), f"call {number}")  # noqa: B023
                await asyncio.to_thread(running.mapping.kill)
                await asyncio.to_thread(running.mapping.start)
            await mill.until(lambda: "5" in running.history.refresh().delivered, "the last record")
            log = await clients.log("orders", 1)

    puts = Puts(stored={data: (shard, number) for shard, found in log.items() for number, data in found})
    assert checker.check(puts, running.history.invocations, log, discarded={POISON}) == []
    assert [batch for batch, _ in itertools.groupby(_batches(running))] == [
        (records, 1),
        (["1", "2"], 1),
        (["3", POISON, "5"], 1),
        (["3"], 1),
        ([POISON, "5"], 1),
        ([POISON], 1),
        ([POISON], 2),
        ([POISON], 3),
        (["5"], 1),
    ]
    assert [(attempts, count) for _, attempts, count, _ in _dead_letters(running)] == [(3, 1)]
    assert len({call.epoch for call in running.history.invocations}) == len(kills) + 1


@pytest.mark.asyncio
async def test_attempts_survive_a_restart_and_the_call_at_the_crash_costs_none(tmp_path: Path) -> None:
    async with mill.running(tmp_path, failing=POISON, seconds="0.1") as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await _deliver(running, clients, POISON, maximum_retry_attempts=5)
            for attempt in (2, 4):
                await mill.until(lambda: _calls(running) >= attempt and _in_call(running), f"call {attempt}")  # noqa: B023
                await asyncio.to_thread(running.mapping.kill)
                await asyncio.to_thread(running.mapping.start)
            await mill.until(lambda: bool(_dead_letters(running)), "the dead letter", seconds=90)

    counted = [call.attempt for call in running.history.refresh().invocations]
    assert sorted(set(counted)) == [1, 2, 3, 4, 5, 6]
    assert counted == sorted(counted), "an attempt is repeated after a crash, and never forgotten"
    assert len({call.invocation for call in running.history.invocations}) == 1
    assert [row[1] for row in _dead_letters(running)] == [6]


def _calls(running: Mill) -> int:
    return len(running.history.refresh().invocations)


def _in_call(running: Mill) -> bool:
    return bool(running.history.in_flight)
