"""SIGKILL of either service at random moments under load: nothing acknowledged is lost, skipped or out of order."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.support import checker, mill, scale
from tests.support.clients import Clients, Load
from tests.support.mill import Mill

SHARDS = 4
ROUNDS = scale.choose(small=3, full=20)
RECORDS_BETWEEN_KILLS = 1_000
CALL_SECONDS = "0.03"
SEED = 20_261_123


@pytest.mark.asyncio
@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", ["mapping", "stream"])
async def test_killed_at_random_moments_it_loses_skips_and_reorders_nothing(tmp_path: Path, victim: str) -> None:
    chance = random.Random(f"{SEED} {victim}")
    async with mill.running(tmp_path, seconds=CALL_SECONDS) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders", SHARDS)
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder", batch_size=200)
            in_call = 0
            async with Load(clients, "orders") as load:
                for kill in range(ROUNDS):
                    enough = len(load.puts.stored) + RECORDS_BETWEEN_KILLS + chance.randrange(500)
                    await mill.until(lambda: len(load.puts.stored) >= enough, "enough acknowledged records")  # noqa: B023
                    in_call += await _kill(running, victim, with_a_call=kill % 2 == 0)
            await mill.until(lambda: _all_delivered(running, load), "every acknowledged record delivered", seconds=120)
            log = await clients.log("orders", SHARDS)

    assert checker.check(load.puts, running.history.invocations, log) == []
    assert len(load.puts.stored) > ROUNDS * RECORDS_BETWEEN_KILLS
    assert in_call >= ROUNDS // 2
    if victim == "mapping":
        epochs = {call.epoch for call in running.history.invocations}
        assert 1 < len(epochs) <= ROUNDS + 1, "every start has its epoch; one that was killed early never called"
        assert any(call.ended is None or not call.ok for call in running.history.invocations) or _redelivered(running)


async def _kill(running: Mill, victim: str, *, with_a_call: bool) -> bool:
    """Kill and start again; whether a call was in the handler at that moment."""
    if with_a_call:
        await mill.until(lambda: bool(running.history.refresh().in_flight), "a call in the handler")
    service = running.mapping if victim == "mapping" else running.stream
    was_in_call = bool(running.history.in_flight)
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)
    return was_in_call


def _all_delivered(running: Mill, load: Load) -> bool:
    history = running.history.refresh()
    return load.puts.stored.keys() <= history.delivered and not history.in_flight


def _redelivered(running: Mill) -> bool:
    numbers = [number for call in running.history.invocations for number in call.numbers]
    return len(numbers) > len(set(numbers))
