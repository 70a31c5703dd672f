"""Handlers that do everything wrong: the mapping says what is wrong, needs no memory, and goes on after a repair."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from millrace.mapping.v1 import handler_registry_service_pb2

from tests.support import mill, proc, unruly_peers
from tests.support.clients import Clients
from tests.support.mill import Mill
from tests.support.unruly_peers import Peer

RECORDS = [f"record-{number}" for number in range(20)]
BATCH = 10
MEMORY_BYTES_MAX = 32 * proc.MIB
"""More than the service may grow by, whatever a handler sends: a third of the largest answer."""
TIMEOUT_SECONDS = 1
ATTEMPTS = 2

At = Callable[[int], contextlib.AbstractAsyncContextManager[Peer]]


@dataclass(frozen=True)
class Unruly:
    """A handler, what the mapping says about it, and whether a call costs an attempt."""

    at: At
    says: str
    is_counted: bool = False

    def __str__(self) -> str:
        return self.at.__name__


KINDS = [
    Unruly(unruly_peers.down, "PROBLEM: cannot connect to handler {name} at {address}"),
    Unruly(unruly_peers.silent, "PROBLEM: cannot connect to handler {name} at {address}"),
    Unruly(unruly_peers.http_1, "PROBLEM: cannot connect to handler {name} at {address}"),
    Unruly(unruly_peers.wrong_service, "PROBLEM: the handler refuses the call: UNIMPLEMENTED"),
    Unruly(unruly_peers.hanging, "PROBLEM: handler call failed", is_counted=True),
    Unruly(unruly_peers.garbage, "PROBLEM: handler call failed", is_counted=True),
    Unruly(unruly_peers.huge, "PROBLEM: handler call failed", is_counted=True),
]


@dataclass
class World:
    """Both services, with clients."""

    running: Mill
    clients: Clients


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One pair of services for all tests here: what one handler does must not concern the others."""
    async with mill.running(tmp_path_factory.mktemp("unruly")) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            yield World(running, clients)


async def _map(world: World, name: str, peer: Peer, *, shards: int = 1, **settings: Any) -> str:
    """A stream and a handler of this name, and the mapping's id."""
    await world.clients.create_stream(name, shards)
    handler = handler_registry_service_pb2.Handler(handler_name=name, endpoint=peer.address)
    handler.timeout.FromSeconds(TIMEOUT_SECONDS)
    await world.clients.registry.RegisterHandler(handler_registry_service_pb2.RegisterHandlerRequest(handler=handler))
    return await world.clients.map(name, name, **settings)


@dataclass(frozen=True)
class Story:
    """What one of them came to."""

    said: str
    address: str
    batches: list[tuple[list[str], int]]


async def _break_and_repair(world: World, kind: Unruly) -> Story:
    name, clients = str(kind), world.clients
    async with kind.at(0) as broken:
        mapping_id = await _map(world, name, broken, batch_size=BATCH)
        await clients.put(name, *RECORDS)
        said = await clients.until_result(mapping_id, "PROBLEM")
        if kind.is_counted:
            await mill.until(lambda: broken.calls >= ATTEMPTS, "attempts")
    async with unruly_peers.good(broken.port) as repaired:
        await mill.until(lambda: len(repaired.delivered) >= len(RECORDS), "every record")
        await clients.until_result(mapping_id, "OK")
    return Story(said, broken.address, repaired.batches)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stories(world: World) -> dict[str, Story | BaseException]:
    """What became of each, all of them at the same time. The mapping service must not grow meanwhile."""
    before = proc.forget_peak(world.running.mapping.pid)
    told = await asyncio.gather(*(_break_and_repair(world, kind) for kind in KINDS), return_exceptions=True)
    grown = proc.peak_bytes(world.running.mapping.pid) - before
    assert grown < MEMORY_BYTES_MAX
    return dict(zip(map(str, KINDS), told, strict=True))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_it_is_said_what_is_wrong_and_after_the_repair_every_record_comes_in_order(
    stories: dict[str, Story | BaseException], kind: Unruly
) -> None:
    story = stories[str(kind)]
    if isinstance(story, BaseException):
        raise story

    assert story.said == kind.says.format(name=str(kind), address=story.address)
    assert [data for batch, _ in story.batches for data in batch] == RECORDS
    first, *others = [attempt for _, attempt in story.batches]
    assert first >= ATTEMPTS if kind.is_counted else first == 1
    assert set(others) == {1}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_record_that_fails_for_ever_blocks_its_shard_and_no_other(world: World) -> None:
    clients, shards = world.clients, 4
    async with unruly_peers.good() as peer:
        mapping_id = await _map(world, "blocked", peer, shards=shards, batch_size=1)
        peer.failing = {"poison"}
        await clients.put("blocked", "before", "poison", "after", key="key-0")
        others = [f"{index}" for index in range(64)]
        await clients.put_spread("blocked", *others)
        log = await clients.log("blocked", shards)
        [stuck] = [[data for _, data in held] for held in log.values() if "poison" in {data for _, data in held}]
        free = set(others) - set(stuck)
        await mill.until(lambda: free | {"before"} <= set(peer.delivered), "the records of the other shards")
        said = await clients.until_result(mapping_id, "PROBLEM")
        while_blocked = set(peer.delivered)
        peer.failing = set()
        await mill.until(lambda: set(stuck) <= set(peer.delivered), "the records behind it", seconds=90)
        await clients.until_result(mapping_id, "OK")

    assert said == "PROBLEM: handler call failed"
    assert len(free) > len(others) / 2
    assert not {"poison", "after"} & while_blocked
    assert [data for data in peer.delivered if data in stuck] == stuck
    assert sorted(peer.delivered) == sorted(["before", "poison", "after", *others])


@pytest.mark.asyncio
async def test_a_handler_that_dies_in_calls_is_called_again_at_no_cost_of_attempts(tmp_path: Path) -> None:
    async with mill.running(tmp_path, seconds="1") as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.register("recorder", running.handler.address)
            await clients.put("orders", *RECORDS)
            mapping_id = await clients.map("orders", "recorder", batch_size=len(RECORDS), maximum_retry_attempts=0)
            said = []
            for _ in range(2):
                await mill.until(lambda: bool(running.history.refresh().in_flight), "a call in the handler")
                running.handler.kill()
                said.append(await clients.until_result(mapping_id, "PROBLEM"))
                running.handler.start()
            await mill.until(lambda: set(RECORDS) <= running.history.refresh().delivered, "every record")
            await clients.until_result(mapping_id, "OK")

    calls = running.history.invocations
    assert [(call.data, call.attempt, call.was_cut_off) for call in calls] == [
        (RECORDS, 1, True),
        (RECORDS, 1, True),
        (RECORDS, 1, False),
    ]
    assert {each.partition(" at ")[0] for each in said} <= {
        "PROBLEM: the connection to the handler broke",
        "PROBLEM: cannot connect to handler recorder",
    }
