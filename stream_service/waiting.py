"""Who waits for a shard to change, and how they are woken (rule D2). Lives on the event loop.

A waiter is registered first; then the caller compares with what is committed. So no change falls between the two.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

Wake = Callable[[], None]


class Waiters:
    """Callbacks by key: ("shard", key) or ("stream", name). Each is called once and then forgotten."""

    def __init__(self) -> None:
        self._waiting: defaultdict[tuple[str, int | str], dict[int, Wake]] = defaultdict(dict)
        self._next = 0

    def __len__(self) -> int:
        return sum(len(wakes) for wakes in self._waiting.values())

    def add(self, key: tuple[str, int | str], wake: Wake) -> Callable[[], None]:
        """Register; the answer takes it back. Taking back twice, or after the wake, does nothing."""
        self._next += 1
        ticket = self._next
        self._waiting[key][ticket] = wake

        def remove() -> None:
            wakes = self._waiting.get(key)
            if wakes is not None:
                wakes.pop(ticket, None)
                if not wakes:
                    self._waiting.pop(key, None)

        return remove

    def begin(self, key: tuple[str, int | str]) -> Waiting:
        """Register a caller who waits."""
        return Waiting(self, key)

    def stream_names(self) -> list[str]:
        """The streams that somebody waits for to appear."""
        return [str(name) for kind, name in self._waiting if kind == "stream"]

    def wake_all(self) -> None:
        """Call everybody."""
        self.wake(list(self._waiting))

    def wake(self, keys: Iterable[tuple[str, int | str]]) -> None:
        """Call everybody who waits for one of these."""
        for key in keys:
            for wake in self._waiting.pop(key, {}).values():
                wake()


class Waiting:
    """One caller who waits, without a task of its own: ten thousand may wait at a time."""

    __slots__ = ("_remove", "_woken")

    def __init__(self, waiters: Waiters, key: tuple[str, int | str]) -> None:
        self._woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._remove = waiters.add(key, self.wake)

    def wake(self) -> None:
        """End the rest."""
        if not self._woken.done():
            self._woken.set_result(None)

    async def rest(self, seconds: float) -> None:
        """Wait to be woken, at most so long."""
        end = asyncio.get_running_loop().call_later(seconds, self.wake)
        try:
            await self._woken
        finally:
            end.cancel()

    def end(self) -> None:
        """Wait no more."""
        self._remove()
