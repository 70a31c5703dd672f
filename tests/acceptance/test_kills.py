"""SIGKILL of either service at random moments under load: nothing acknowledged is lost, skipped or out of order."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from pathlib import Path

import pytest

from tests.support import checker, mill, scale
from tests.support.clients import Clients, Load
from tests.support.history import Invocation
from tests.support.mill import Mill

SHARDS = 4
ROUNDS = scale.choose(small=3, full=20)
RECORDS_BETWEEN_KILLS = 1_000
CALL_SECONDS = "0.03"
KILL_WITHIN_SECONDS = 0.05
SEED = 20_261_123


@pytest.mark.asyncio
@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", ["mapping", "stream"])
async def test_killed_at_random_moments_it_loses_skips_and_reorders_nothing(tmp_path: Path, victim: str) -> None:
    chance = random.Random(f"{SEED} {victim}")
    killed: list[float] = []
    acknowledged = [0]
    async with mill.running(tmp_path, seconds=CALL_SECONDS) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders", SHARDS)
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder", batch_size=200)
            async with Load(clients, "orders") as load:
                for round_ in range(ROUNDS):
                    enough = acknowledged[-1] + RECORDS_BETWEEN_KILLS + chance.randrange(500)
                    await mill.until(lambda: len(load.puts.stored) >= enough, "enough acknowledged records")  # noqa: B023
                    await mill.a_moment(chance.uniform(0, KILL_WITHIN_SECONDS))
                    if round_ % 2 == 0:
                        await mill.until(lambda: bool(running.history.refresh().in_flight), "a call in the handler")
                    acknowledged.append(len(load.puts.stored))
                    killed.append(await _kill(running, victim))
            await mill.until(lambda: _all_delivered(running, load), "every acknowledged record delivered", seconds=120)
            log = await clients.log("orders", SHARDS)
    calls = running.history.refresh().invocations

    assert checker.check(load.puts, calls, log) == []
    between = [after - before for before, after in itertools.pairwise(acknowledged)]
    assert len(between) == ROUNDS
    assert min(between) >= RECORDS_BETWEEN_KILLS
    assert sum(any(_is_in_the_handler(call, at) for call in calls) for at in killed) >= ROUNDS / 2
    if victim == "mapping":
        epochs = {call.epoch for call in calls}
        assert 1 < len(epochs) <= ROUNDS + 1, "every start has its epoch; one that was killed early never called"
        assert any(call.was_cut_off for call in calls), "a call that was cut off was delivered again"
    else:
        assert load.puts.unknown, "a put was under way when the service was killed"
        assert len({call.epoch for call in calls}) == 1, "the owner of the leases was never gone"


async def _kill(running: Mill, victim: str) -> float:
    """Kill and start again; when that was."""
    service = running.mapping if victim == "mapping" else running.stream
    at = time.monotonic()
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)
    return at


def _is_in_the_handler(call: Invocation, at: float) -> bool:
    return call.started <= at and (call.ended is None or call.ended >= at)


def _all_delivered(running: Mill, load: Load) -> bool:
    history = running.history.refresh()
    return load.puts.stored.keys() <= history.delivered and not history.in_flight
