"""The base poll rate: how often anything may call while nobody wakes us (rule D2)."""

import asyncio

from mapping_service.core.ports import Clock

POLL_SECONDS = 1.0
"""How long a shard waits before it is polled."""

CALLS_A_SECOND_MAX = 200.0
"""All polls of a process together."""


class Pace:
    """Free while it is open; while it is closed, callers have their turns one after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open = asyncio.Event()
        self._next_turn = clock.monotonic()

    @property
    def is_open(self) -> bool:
        """Whether callers need not wait."""
        return self._open.is_set()

    def open(self) -> None:
        """Let all through, also those that wait."""
        self._open.set()

    def close(self) -> None:
        """From now on everybody waits for a turn."""
        self._open.clear()

    async def turn(self) -> None:
        """Wait for a turn."""
        if self._open.is_set():
            return
        seconds = self.reserve()
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._open.wait()
            except TimeoutError:
                return

    def reserve(self) -> float:
        """Take the next turn; answers in how many seconds it comes."""
        now = self._clock.monotonic()
        turn = max(self._next_turn, now)
        self._next_turn = turn + 1.0 / CALLS_A_SECOND_MAX
        return turn - now
