"""Random walks through the whole stream service, each step compared with a small reference, with restarts as a step."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance import stream_fixtures
from tests.support import scale, stream_records
from tests.support.clock import FakeClock
from tests.support.stream_records import World
from tests.support.stream_walk import StreamWalk

EXAMPLES = {
    "memory": scale.choose(small=60, full=1_500),
    "sqlite": scale.choose(small=25, full=400),
    "postgres": scale.choose(small=10, full=150),
}
STEPS = [
    *["put"] * 6,
    *["put_one", "reshard", "read", "advance", "iterate"] * 3,
    *["create", "read_at", "peek", "list", "consumer", "subscribe", "trim", "update", "restart"] * 2,
    "delete",
]
walks = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2**32)), min_size=5, max_size=60)


class Reopening:
    """A storage that is closed and opened again on what it has kept."""

    def __init__(self, engine: str, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._clock = FakeClock()
        self._database = contextlib.ExitStack()
        self._opened = contextlib.AsyncExitStack()
        self._url = ""
        self._memory: World | None = None

    async def open(self) -> World:
        """The storage, for the first time or again."""
        await self._opened.aclose()
        if self._engine == "memory":
            self._memory = self._memory or stream_records.in_memory()
            self._memory.listeners.clear()
            return self._memory
        if self._engine == "sqlite":
            return await self._opened.enter_async_context(stream_records.on_sqlite(self._folder, self._clock))
        self._url = self._url or self._database.enter_context(stream_fixtures.postgres_server.a_database())
        return await self._opened.enter_async_context(stream_records.on_postgres(self._url, self._clock))

    async def close(self) -> None:
        """Close it for good."""
        await self._opened.aclose()
        self._database.close()


async def walk(engine: str, steps: list[tuple[str, int]]) -> None:
    """Go the steps; then everything is looked at once more."""
    with tempfile.TemporaryDirectory() as folder:
        storage, walking = Reopening(engine, Path(folder)), StreamWalk()
        try:
            walking.open(await storage.open())
            await walking.step("create", 1)
            for kind, seed in steps:
                if kind == "restart":
                    walking.open(await storage.open())
                else:
                    await walking.step(kind, seed)
            await walking.check_all()
            walking.open(await storage.open())
            await walking.check_all()
        finally:
            await storage.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", stream_fixtures.ENGINES)
def test_a_random_walk_through_the_service_is_as_the_reference_says(engine: str) -> None:
    @settings(max_examples=EXAMPLES[engine], deadline=None, suppress_health_check=list(HealthCheck))
    @given(walks)
    def run(steps: list[tuple[str, int]]) -> None:
        asyncio.run(walk(engine, steps))

    run()
