import asyncio

import pytest

from chassis.process import drain


class Steps:
    """Notes which steps were taken."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def of(self, name: str) -> drain.Step:
        async def step() -> None:
            self.taken.append(name)

        return step


async def forever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise KeyError("secret")


@pytest.mark.asyncio
async def test_the_steps_are_taken_in_their_order() -> None:
    ending, steps = drain.Drain(timeout_seconds=5), Steps()
    for name in ("health", "server", "writer"):
        ending.add(name, steps.of(name))
    ending.request()

    assert await ending.run() == 0
    assert steps.taken == ["health", "server", "writer"]


@pytest.mark.asyncio
async def test_a_step_that_hangs_or_fails_does_not_keep_the_next_ones_from_being_taken() -> None:
    ending, steps = drain.Drain(timeout_seconds=0, step_seconds_min=0.01), Steps()
    ending.add("hangs", forever)
    ending.add("fails", fails)
    ending.add("database", steps.of("database"))
    ending.request()

    assert await ending.run() == 1
    assert steps.taken == ["database"]


@pytest.mark.asyncio
async def test_a_failure_takes_only_the_steps_that_are_marked_for_it() -> None:
    ending, steps = drain.Drain(timeout_seconds=5), Steps()
    ending.add("server", steps.of("server"), also_on_failure=True)
    ending.add("database", steps.of("database"))
    ending.fail("COMMIT failed")

    assert await ending.run() == 1
    assert steps.taken == ["server"]


@pytest.mark.asyncio
async def test_what_runs_is_cancelled_in_its_turn() -> None:
    ending, steps = drain.Drain(timeout_seconds=5), Steps()

    async def runs() -> None:
        try:
            await forever()
        finally:
            steps.taken.append("trimmer")

    ending.add("server", steps.of("server"))
    ending.spawn("trimmer", runs())
    ending.add("database", steps.of("database"))
    await asyncio.sleep(0)
    ending.request()

    assert await ending.run() == 0
    assert steps.taken == ["server", "trimmer", "database"]


@pytest.mark.asyncio
async def test_what_runs_and_fails_ends_the_process() -> None:
    ending = drain.Drain(timeout_seconds=5)
    ending.spawn("trimmer", fails())

    assert await ending.run() == 1
