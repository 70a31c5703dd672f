"""What a mapping says of its last batch, made of what its shards say."""

from __future__ import annotations

import pytest

from chassis.errors import StorageFull
from mapping_service.core.mapping import NO_RECORDS_PROCESSED
from mapping_service.pollers.results import RESULT_LENGTH_MAX, Results
from mapping_service.storage.memory import MemoryStorage
from tests.support.clock import FakeClock
from tests.support.mapping_stores import a_mapping
from tests.support.poller_world import FakeTimers

pytestmark = pytest.mark.asyncio


class Storage(MemoryStorage):
    """Counts writes, and is full when told so."""

    writes = 0
    is_full = False

    async def write(self, change, *, frees_space=False):  # type: ignore[no-untyped-def]
        self.writes += 1
        if self.is_full:
            raise StorageFull
        return await super().write(change, frees_space=frees_space)


class Desk:
    """Results of one mapping on a fake clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.timers = FakeTimers(self.clock)
        self.storage = Storage()
        self.storage.tables.mappings["m-1"] = a_mapping()
        self.results = Results(self.storage, call_later=self.timers.call_later)
        self.results.know("m-1", NO_RECORDS_PROCESSED)

    async def stored(self) -> str:
        self.clock.advance(1)
        self.timers.fire()
        await self.results.stop()
        return self.storage.tables.mappings["m-1"].last_processing_result


async def test_the_last_result_of_any_shard_counts() -> None:
    desk = Desk()
    desk.results.report("m-1", "a", result="PROBLEM: handler call failed", problem=None)
    desk.results.report("m-1", "b", result="OK", problem=None)

    assert await desk.stored() == "OK"


async def test_a_problem_of_a_shard_goes_before_results_until_it_passes() -> None:
    desk = Desk()
    desk.results.report("m-1", "a", result=None, problem="the disk is full")
    desk.results.report("m-1", "b", result="OK", problem=None)
    assert await desk.stored() == "PROBLEM: the disk is full"

    desk.results.report("m-1", "a", result=None, problem=None)
    assert await desk.stored() == "OK"


async def test_a_problem_of_the_mapping_goes_before_those_of_shards() -> None:
    desk = Desk()
    desk.results.report("m-1", "a", result=None, problem="the disk is full")
    desk.results.set_problem("m-1", "stream orders not found")
    assert await desk.stored() == "PROBLEM: stream orders not found"

    desk.results.set_problem("m-1", None)
    desk.results.forget_shard("m-1", "a")
    assert await desk.stored() == NO_RECORDS_PROCESSED


async def test_a_result_that_stays_costs_no_write_and_changes_of_a_moment_one() -> None:
    desk = Desk()
    for _ in range(100):
        desk.results.report("m-1", "a", result="PROBLEM: handler call failed", problem=None)
        desk.results.report("m-1", "a", result="OK", problem=None)
    await desk.stored()
    desk.results.report("m-1", "a", result="OK", problem=None)
    await desk.stored()

    assert desk.storage.writes == 1


async def test_what_could_not_be_stored_is_stored_later() -> None:
    desk = Desk()
    desk.storage.is_full = True
    desk.results.report("m-1", "a", result="OK", problem=None)
    assert await desk.stored() == NO_RECORDS_PROCESSED

    desk.storage.is_full = False
    assert await desk.stored() == "OK"


async def test_a_problem_that_was_stored_by_the_last_process_passes_with_it() -> None:
    desk = Desk()
    desk.results.forget("m-1")
    desk.results.know("m-1", "PROBLEM: stream orders not found")
    desk.results.set_problem("m-1", None)

    assert await desk.stored() == NO_RECORDS_PROCESSED


async def test_results_have_a_longest_length_and_unknown_mappings_none() -> None:
    desk = Desk()
    desk.results.report("m-9", "a", result="OK", problem=None)
    desk.results.set_problem("m-1", "x" * 5_000)

    assert len(await desk.stored()) == RESULT_LENGTH_MAX
