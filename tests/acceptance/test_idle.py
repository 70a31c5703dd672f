"""An idle shard costs no calls (decision 7, rule D2), and neither does a mapping that waits for its stream."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support import counting_proxy, mill, scale
from tests.support.clients import Clients
from tests.support.counting_proxy import CountingProxy
from tests.support.mill import Mill

SHARDS = 16
HEARTBEATS = scale.choose(small=1, full=13)
"""They come each 5 s; each minute the list of streams is looked at as well, one call whatever there is."""
SWEEPS_MAX = HEARTBEATS * 5 // 60 + 1


async def _calls_while_idle(proxy: CountingProxy) -> Counter[str]:
    """The calls from one heartbeat of the watch to another one."""
    await _heartbeats(proxy, 1)
    before = Counter(proxy.calls)
    await _heartbeats(proxy, HEARTBEATS)
    return proxy.calls - before


async def _heartbeats(proxy: CountingProxy, count: int) -> None:
    enough = proxy.heard + count
    await mill.until(lambda: proxy.heard >= enough, "heartbeats of the watch", seconds=6.0 * count + 6.0)


@pytest.mark.asyncio
@pytest.mark.timeout(180)
async def test_an_idle_shard_and_a_stream_that_is_waited_for_cost_no_calls(tmp_path: Path) -> None:
    async with counting_proxy.running() as proxy, mill.running(tmp_path, stream_address=proxy.address) as running:
        proxy.hand_on_to(running.stream.address)
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders", SHARDS)
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder")
            waiting = await clients.map("later", "recorder")
            await clients.until_result(waiting, "PROBLEM: stream later not found")
            await _deliver(running, clients, "orders", "first")

            said = len(running.mapping.log)
            idle = await _calls_while_idle(proxy)
            said_meanwhile = running.mapping.log[said:]
            before = Counter(proxy.calls)
            await _deliver(running, clients, "orders", "second")
            woken = proxy.calls - before
            await clients.create_stream("later", SHARDS)
            await _deliver(running, clients, "later", "third")
            await mill.until(lambda: proxy.calls["GetRecords"] >= 2 * SHARDS, "a first read of each shard")

    assert idle.keys() <= {"ListStreams"}
    assert idle["ListStreams"] <= SWEEPS_MAX
    assert said_meanwhile == [], "who waits is quiet"
    assert woken.total() <= 2, "a record is read once, by its own shard"
    assert proxy.calls["WatchAppends"] == 1, "one call watches everything"


async def _deliver(running: Mill, clients: Clients, stream: str, data: str) -> None:
    await clients.put(stream, data)
    await mill.until(lambda: data in running.history.refresh().delivered, f"the {data} record")
