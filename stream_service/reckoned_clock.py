"""The time that answers carry and that ages are reckoned from (rules C1, C2)."""

from __future__ import annotations

from stream_service.core import reckoning
from stream_service.core.ports import Clock


class ReckonedClock:
    """The wall clock, but for jumps of more than an hour: those count when they have lasted a day.

    Otherwise a wrong clock would make records that wait look too old, and they would be given up. Used on the loop.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reckoning = reckoning.Reckoning(unix_millis=clock.unix_millis(), monotonic=clock.monotonic())

    def unix_millis(self) -> int:
        """Milliseconds since 1970."""
        monotonic = self._clock.monotonic()
        self._reckoning = self._reckoning.observe(self._clock.unix_millis(), monotonic)
        return self._reckoning.reckoned_millis(monotonic)

    def monotonic(self) -> float:
        """Seconds that only rise."""
        return self._clock.monotonic()
