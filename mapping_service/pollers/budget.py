"""The bytes of pages that all pollers of this process may hold, shared so that none starves the others (rule D4).

A poller that holds nothing reads at once, whatever the others hold: an even share is kept for it. One that holds
something may have to wait for more until others give back; it has something to do meanwhile. A failing batch that is
read again never waits half-way, or two of them could wait for each other.
"""

import asyncio
from collections import deque

BUDGET_BYTES = 64 * 1024 * 1024
GUARANTEED_SHARE = 4
"""A quarter of the budget is divided evenly: that much every poller may always hold, and at least one record."""
GREED = 4
"""Of what is free of the rest, one read may ask for a quarter: there is always something left for the next."""
READ_BYTES_MIN = 64 * 1024
"""Reading ahead by less is not worth a call."""


class Budget:
    """Who may read how much. Used on the event loop."""

    def __init__(self, total_bytes: int = BUDGET_BYTES) -> None:
        self._guaranteed_bytes = total_bytes // GUARANTEED_SHARE
        self._shared_bytes = total_bytes - self._guaranteed_bytes
        self._used_bytes = 0
        self._accounts = 0
        self._waiting: deque[Account] = deque()

    @property
    def used_bytes(self) -> int:
        """Bytes that are held or on their way."""
        return self._used_bytes

    def open_account(self) -> "Account":
        """An account for one poller, to be closed with it."""
        self._accounts += 1
        return Account(self)

    def room(self, held_bytes: int) -> int:
        """How much more a poller that holds so much may have now."""
        even_share = self._guaranteed_bytes // max(self._accounts, 1)
        return max(even_share - held_bytes, (self._shared_bytes - self._used_bytes) // GREED, 0)

    def change(self, by_bytes: int) -> None:
        """Count what an account uses more, or less."""
        self._used_bytes += by_bytes
        if by_bytes < 0:
            self._serve()

    def queue(self, account: "Account") -> None:
        """An account waits for room."""
        self._waiting.append(account)

    def forget(self) -> None:
        """An account is closed."""
        self._accounts -= 1

    def _serve(self) -> None:
        """Give those who wait what there is, in the order in which they came."""
        while self._waiting and self._waiting[0].try_again():
            self._waiting.popleft()


class Account:
    """What one poller holds and has asked for."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held_bytes = 0
        self._reserved_bytes = 0
        self._wanted_bytes = 0
        self._granted: asyncio.Future[int] | None = None
        self._is_open = True

    async def reserve(self, wanted_bytes: int, *, may_wait: bool = True) -> int:
        """Ask for bytes to read; answers how many there may be, at least 1. `settle` follows."""
        granted_bytes = self._grant(wanted_bytes, may_wait=may_wait)
        if granted_bytes == 0:
            self._wanted_bytes = wanted_bytes
            self._granted = asyncio.get_running_loop().create_future()
            self._budget.queue(self)
            granted_bytes = await self._granted
        return granted_bytes

    def try_again(self) -> bool:
        """Look whether there is room now; False while it still has to wait."""
        if self._granted is None or self._granted.done():
            return True
        granted_bytes = self._grant(self._wanted_bytes, may_wait=True)
        if granted_bytes:
            self._granted.set_result(granted_bytes)
        return bool(granted_bytes)

    def settle(self, held_bytes: int, *, is_reading: bool) -> None:
        """What the poller holds now; a reservation lasts while it reads."""
        reserved_bytes = self._reserved_bytes if is_reading else 0
        if held_bytes != self._held_bytes or reserved_bytes != self._reserved_bytes:
            self._change(reserved_bytes=reserved_bytes, held_bytes=held_bytes)
            self.try_again()

    def close(self) -> None:
        """Give everything back. May be called again."""
        if self._is_open:
            self._is_open = False
            self._granted = None
            self._change(reserved_bytes=0, held_bytes=0)
            self._budget.forget()

    def _grant(self, wanted_bytes: int, *, may_wait: bool) -> int:
        """Reserve what there may be; 0 means to wait for it."""
        room = self._budget.room(self._held_bytes)
        if self._held_bytes and not may_wait:
            room = wanted_bytes
        elif self._held_bytes and room < min(wanted_bytes, READ_BYTES_MIN):
            return 0
        granted_bytes = max(1, min(wanted_bytes, room))
        self._change(reserved_bytes=granted_bytes, held_bytes=self._held_bytes)
        return granted_bytes

    def _change(self, *, reserved_bytes: int, held_bytes: int) -> None:
        by_bytes = reserved_bytes + held_bytes - self._reserved_bytes - self._held_bytes
        self._reserved_bytes, self._held_bytes = reserved_bytes, held_bytes
        self._budget.change(by_bytes)
