"""A disk that cannot sync: the service ends by itself, comes back, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chassis.process import drain
from tests.support import checker, failing_sync, mill, scale
from tests.support.clients import Clients, Load
from tests.support.mill import Mill

SHARDS = 4
SYNCS = [1, 2, 3, 5, 8, 13, 21, 34][: scale.choose(small=2, full=8)]
RECORDS_BETWEEN = 500

pytestmark = pytest.mark.skipif(failing_sync.STRACE is None, reason="strace is not installed")


@pytest.mark.asyncio
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["stream", "mapping"])
async def test_a_sync_that_fails_ends_the_service_and_after_a_restart_nothing_is_lost(
    tmp_path: Path, victim: str
) -> None:
    codes = []
    async with mill.running(tmp_path) as running:
        service = running.stream if victim == "stream" else running.mapping
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders", SHARDS)
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder", batch_size=100)
            async with Load(clients, "orders") as load:
                for number in SYNCS:
                    enough = len(load.puts.stored) + RECORDS_BETWEEN
                    await mill.until(lambda: len(load.puts.stored) >= enough, "acknowledged records")  # noqa: B023
                    async with failing_sync.from_sync(number, service.pid):
                        codes.append(await service.ended())
                    await asyncio.to_thread(service.start)
            await mill.until(lambda: _all_delivered(running, load), "every acknowledged record")
            log = await clients.log("orders", SHARDS)

    assert codes == [drain.EXIT_FAILED] * len(SYNCS)
    assert checker.check(load.puts, running.history.invocations, log) == []
    failures = [line for line in service.log if "process_failed" in line]
    assert len(failures) == len(SYNCS)
    assert all("SQLITE_IOERR" in line for line in failures)


def _all_delivered(running: Mill, load: Load) -> bool:
    history = running.history.refresh()
    return load.puts.stored.keys() <= history.delivered and not history.in_flight
