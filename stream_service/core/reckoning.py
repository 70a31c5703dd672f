"""What the wall clock may do to numbers and to the trim horizon (rule C2).

The reckoned time is the wall clock as it was, plus the monotonic time since. A wall clock that leaves it by more than
an hour is believed only after a day; until then numbers lead the reckoned time by an hour at most, and the horizon
follows at most twice the monotonic time that passed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

STEP_MILLIS_MAX = 3_600_000
STEP_BELIEVED_AFTER_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """A wall time, the monotonic second at which it was so, and since when the wall clock says otherwise."""

    unix_millis: int
    monotonic: float
    stepped_at: float | None = None

    def reckoned_millis(self, monotonic: float) -> int:
        """The time that the monotonic clock gives."""
        return self.unix_millis + int((monotonic - self.monotonic) * 1000)

    def observe(self, unix_millis: int, monotonic: float) -> Reckoning:
        """The reckoning after a look at both clocks."""
        if abs(unix_millis - self.reckoned_millis(monotonic)) <= STEP_MILLIS_MAX:
            return Reckoning(unix_millis=unix_millis, monotonic=monotonic)
        if self.stepped_at is None:
            return replace(self, stepped_at=monotonic)
        if monotonic - self.stepped_at >= STEP_BELIEVED_AFTER_SECONDS:
            return Reckoning(unix_millis=unix_millis, monotonic=monotonic)
        return self

    def number_millis(self, unix_millis: int, monotonic: float) -> int:
        """The time for a new number: the wall clock's, at most an hour ahead of the reckoned time."""
        return min(unix_millis, self.reckoned_millis(monotonic) + STEP_MILLIS_MAX)


def next_horizon_millis(horizon_millis: int, *, now_millis: int, retention_seconds: int, passed_seconds: float) -> int:
    """The trim horizon after `passed_seconds` of monotonic time: it never moves back and never runs ahead."""
    wanted = now_millis - retention_seconds * 1000
    return max(horizon_millis, min(wanted, horizon_millis + int(2000 * passed_seconds)))
