"""When something happens, and the chance of that moment: the only time and randomness that `core` sees (rule C1)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment in the life of a poller."""

    monotonic: float
    """Seconds of this process's monotonic clock; for durations only."""
    service_millis: int
    """The stream service's wall clock, in unix milliseconds, as far as it is known."""
    random: float
    """A fresh random number, at least 0 and below 1."""
