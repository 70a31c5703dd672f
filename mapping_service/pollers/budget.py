"""The bytes of pages that all pollers of this process may hold, shared so that none starves the others (rule D4)."""

BUDGET_BYTES = 64 * 1024 * 1024
GUARANTEED_SHARE = 4
"""A quarter of the budget is divided evenly: that much every poller may always hold."""
GREED = 4
"""Of what is free of the rest, one read may ask for a quarter: there is always something left for the next."""


class Budget:
    """Who may read how much. Used on the event loop."""

    def __init__(self, total_bytes: int = BUDGET_BYTES) -> None:
        self._guaranteed_bytes = total_bytes // GUARANTEED_SHARE
        self._shared_bytes = total_bytes - self._guaranteed_bytes
        self._used_bytes = 0
        self._accounts = 0

    @property
    def used_bytes(self) -> int:
        """Bytes that are held or on their way."""
        return self._used_bytes

    def open_account(self) -> "Account":
        """An account for one poller, to be closed with it."""
        self._accounts += 1
        return Account(self)

    def grant(self, wanted_bytes: int) -> int:
        """How much a read may bring: at least the even share, at least 1 byte."""
        even_share = self._guaranteed_bytes // max(self._accounts, 1)
        free_share = (self._shared_bytes - self._used_bytes) // GREED
        return max(1, min(wanted_bytes, max(even_share, free_share)))

    def change(self, by_bytes: int) -> None:
        """Count what an account uses more, or less."""
        self._used_bytes += by_bytes

    def forget(self) -> None:
        """An account is closed."""
        self._accounts -= 1


class Account:
    """What one poller holds and has asked for."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held_bytes = 0
        self._reserved_bytes = 0
        self._is_open = True

    def reserve(self, wanted_bytes: int) -> int:
        """Ask for bytes to read; answers how many there may be. `settle` follows."""
        granted = self._budget.grant(wanted_bytes)
        self._change(reserved_bytes=granted, held_bytes=self._held_bytes)
        return granted

    def settle(self, held_bytes: int, *, is_reading: bool) -> None:
        """What the poller holds now; a reservation lasts while it reads."""
        reserved_bytes = self._reserved_bytes if is_reading else 0
        if held_bytes != self._held_bytes or reserved_bytes != self._reserved_bytes:
            self._change(reserved_bytes=reserved_bytes, held_bytes=held_bytes)

    def close(self) -> None:
        """Give everything back. May be called again."""
        if self._is_open:
            self._change(reserved_bytes=0, held_bytes=0)
            self._is_open = False
            self._budget.forget()

    def _change(self, *, reserved_bytes: int, held_bytes: int) -> None:
        self._budget.change(reserved_bytes + held_bytes - self._reserved_bytes - self._held_bytes)
        self._reserved_bytes, self._held_bytes = reserved_bytes, held_bytes
