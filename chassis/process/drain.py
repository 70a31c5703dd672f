"""The end of a process: asked for once it is orderly and bounded, asked for twice it is at once.

serving --SIGTERM or SIGINT--> draining: the steps in their order --> exit 0
   |                              | second signal: exit 143 or 130 at once
   '--fail(problem)--> the steps that are marked for it, for a moment --> exit 1
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

_log = structlog.get_logger(__name__)

Step = Callable[[], Awaitable[object]]

FAILURE_SECONDS = 1.0
"""How long a process that cannot go on takes to let its callers know."""

STEP_SECONDS_MIN = 1.0
"""What a step gets even when those before it used up the time: closing a database must not be skipped."""

EXIT_DRAINED = 0
EXIT_FAILED = 1


@dataclass(frozen=True, slots=True)
class _Planned:
    name: str
    step: Step
    also_on_failure: bool


class Drain:
    """Waits for the end and brings it about. Made on the running loop."""

    def __init__(self, *, timeout_seconds: float, step_seconds_min: float = STEP_SECONDS_MIN) -> None:
        self._step_seconds_min = step_seconds_min
        self.timeout_seconds = timeout_seconds
        self._steps: list[_Planned] = []
        self._asked = asyncio.Event()
        self._problem: str | None = None

    def add(self, name: str, step: Step, *, also_on_failure: bool = False) -> None:
        """Have this done at the end, after what was added before. A step may be called once only."""
        self._steps.append(_Planned(name, step, also_on_failure))

    def spawn(self, name: str, running: Coroutine[Any, Any, object]) -> None:
        """Run this until the end, where it is cancelled and awaited in its turn; if it fails, the process does."""
        task = asyncio.get_running_loop().create_task(running, name=name)
        task.add_done_callback(self._on_task_done)
        self.add(name, lambda: _cancelled(task))

    def request(self) -> None:
        """Ask for an orderly end."""
        self._asked.set()

    def fail(self, problem: str) -> None:
        """The process cannot go on: end it with code 1. The first problem counts. Call it on the loop."""
        if self._problem is None:
            self._problem = problem
            _log.critical("process_failed", problem=problem)
        self._asked.set()

    def listen(self) -> None:
        """From now on SIGTERM and SIGINT ask for the end; a second one is the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    async def run(self) -> int:
        """Wait until the end is asked for, take the steps, and return the exit code."""
        await self._asked.wait()
        if self._problem is not None:
            await self._take([step for step in self._steps if step.also_on_failure], FAILURE_SECONDS)
            return EXIT_FAILED
        _log.info("draining", timeout_seconds=self.timeout_seconds)
        is_complete = await self._take(self._steps, self.timeout_seconds)
        _log.info("drained" if is_complete else "drained_in_part")
        return EXIT_DRAINED if is_complete and self._problem is None else EXIT_FAILED

    async def _take(self, steps: list[_Planned], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        is_complete = True
        for planned in steps:
            left = max(self._step_seconds_min, deadline - time.monotonic())
            is_complete &= await _take_one(planned, left)
        return is_complete

    def _on_signal(self, number: signal.Signals) -> None:
        _log.info("signal_received", signal=number.name)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
            # Not the default action: as the first process of a container that one would be ignored.
            signal.signal(each, _exit_at_once)
        self.request()

    def _on_task_done(self, task: asyncio.Task[object]) -> None:
        if task.cancelled() or self._asked.is_set():
            return
        error = task.exception()
        self.fail(f"{task.get_name()} ended: {type(error).__name__ if error else 'it returned'}")


async def _take_one(planned: _Planned, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await planned.step()
    except TimeoutError:
        _log.error("drain_step_took_too_long", step=planned.name, seconds=seconds)
        return False
    except Exception as error:
        _log.error("drain_step_failed", step=planned.name, error=type(error).__name__)
        return False
    return True


async def _cancelled(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _exit_at_once(number: int, _frame: object) -> None:
    os._exit(128 + number)
