"""The database server's clock, for services that share a database (rule C1)."""

import time
from collections.abc import Callable


class ServerClock:
    """The server's wall clock as it was told last, and the monotonic time since. Used from all threads."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told = (0, 0.0)

    def told(self, unix_millis: int) -> None:
        """The server said so just now; its answer was under way for a moment, so that this clock is never ahead."""
        self._told = (unix_millis, self._monotonic())

    def unix_millis(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z by the server's clock."""
        unix_millis, at = self._told
        return unix_millis + int((self._monotonic() - at) * 1000)

    def monotonic(self) -> float:
        """Seconds since some fixed moment, by this machine; for durations only."""
        return self._monotonic()
