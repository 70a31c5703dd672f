"""The trimmer passes on how much time passed, and survives a refusal."""

from __future__ import annotations

import asyncio

import pytest

from chassis.errors import StorageFull
from stream_service import retention
from stream_service.core import works
from stream_service.storage.memory import MemoryRecords
from tests.support.clock import FakeClock

pytestmark = pytest.mark.asyncio


class Passes(MemoryRecords):
    """Notes the passes, refusing some; the answer says whether more is to do."""

    def __init__(self, *answers: object) -> None:
        super().__init__(lambda: 0)
        self.passed: list[float] = []
        self._answers = list(answers)
        self.is_done = asyncio.Event()

    async def write(self, work: works.Work) -> object:
        """One pass."""
        assert isinstance(work, works.Trim)
        self.passed.append(work.passed_seconds)
        answer = self._answers.pop(0)
        if not self._answers:
            self.is_done.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_c2_a_pass_knows_the_monotonic_time_since_the_one_before() -> None:
    clock = FakeClock()
    records = Passes(works.Trimmed(), works.Trimmed())
    trimmer = retention.Retention(records, clock, interval_seconds=60)
    clock.advance(60)
    await trimmer.run_once()
    clock.jump(1_000_000)
    clock.advance(7)
    await trimmer.run_once()
    assert records.passed == [60, 7]


async def test_c2_the_time_of_a_pass_that_failed_counts_for_the_next() -> None:
    clock = FakeClock()
    records = Passes(StorageFull(), works.Trimmed())
    trimmer = retention.Retention(records, clock, interval_seconds=60)
    clock.advance(60)
    with pytest.raises(StorageFull):
        await trimmer.run_once()
    clock.advance(60)
    await trimmer.run_once()
    assert records.passed == [60, 120]


async def test_the_loop_goes_on_after_a_refusal() -> None:
    records = Passes(StorageFull(), works.Trimmed(segments=3, is_complete=False), works.Trimmed())
    trimmer = retention.Retention(records, FakeClock(), interval_seconds=0, pause_seconds=0)
    running = asyncio.create_task(trimmer.run())
    await records.is_done.wait()
    running.cancel()
    assert len(records.passed) == 3
