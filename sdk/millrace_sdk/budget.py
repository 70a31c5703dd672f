"""Back pressure: how much may be on its way, and who waits in turn for room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from millrace_sdk.put import Put

Go = Callable[[Put], None]


class Budget:
    """Admits puts in their order. A record that is larger than the whole budget goes alone."""

    def __init__(self, *, records_max: int, bytes_max: int) -> None:
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._records = 0
        self._bytes = 0
        self._waiting: deque[tuple[Go, Put]] = deque()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def records(self) -> int:
        """Records on their way."""
        return self._records

    @property
    def waiting(self) -> int:
        """Puts that wait for room."""
        return len(self._waiting)

    def admit(self, go: Go, put: Put) -> None:
        """Let it go now, or once there is room and all that came before it have gone."""
        if self._waiting or not self._has_room(put):
            self._waiting.append((go, put))
        else:
            self._enter(go, put)

    def release(self, records: int, size_bytes: int) -> None:
        """So many are stored or refused."""
        self._records -= records
        self._bytes -= size_bytes
        while self._waiting:
            go, put = self._waiting[0]
            if not put.future.done() and not self._has_room(put):
                return
            self._waiting.popleft()
            if not put.future.done():
                self._enter(go, put)
        if not self._records:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until nothing is on its way and nobody waits."""
        await self._idle.wait()

    def _has_room(self, put: Put) -> bool:
        if not self._records:
            return True
        return self._records < self._records_max and self._bytes + put.size_bytes <= self._bytes_max

    def _enter(self, go: Go, put: Put) -> None:
        self._records += 1
        self._bytes += put.size_bytes
        self._idle.clear()
        go(put)
