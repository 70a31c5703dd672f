"""While nobody wakes us, all polls of a process have their turns (rule D2)."""

from __future__ import annotations

import asyncio

import pytest

from mapping_service.pollers.pace import CALLS_A_SECOND_MAX, Pace
from mapping_service.pollers.service_clock import ServiceClock
from tests.support.clock import FakeClock


def test_d2_while_it_is_closed_turns_are_at_most_two_hundred_a_second() -> None:
    pace = Pace(FakeClock())

    turns = [pace.reserve() for _ in range(401)]

    assert turns[0] == 0
    assert turns[200] == pytest.approx(1.0)
    assert turns[400] == pytest.approx(400 / CALLS_A_SECOND_MAX)


def test_d2_unused_turns_are_not_saved_up() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    pace.reserve()
    clock.advance(100)

    assert pace.reserve() == 0
    assert pace.reserve() == pytest.approx(1 / CALLS_A_SECOND_MAX)


@pytest.mark.asyncio
async def test_d2_who_waits_for_a_turn_goes_on_when_the_watch_is_up_again() -> None:
    pace = Pace(FakeClock())
    for _ in range(100_000):
        pace.reserve()
    waiting = asyncio.create_task(pace.turn())
    await asyncio.sleep(0)
    assert not waiting.done()

    pace.open()

    await waiting
    await pace.turn()


def test_c1_the_service_clock_goes_on_with_our_monotonic_clock_and_not_with_our_wall_clock() -> None:
    clock = FakeClock()
    service = ServiceClock(clock)
    assert service.millis() is None
    service.heard(5_000)

    clock.advance(2)
    clock.jump(1_000)

    assert service.millis() == 7_000
