"""The machine's clocks, behind the `Clock` Protocols of the services' cores. Nobody else reads a clock."""

import time


class SystemClock:
    """The machine's clocks. The wall clock may jump; the monotonic one never goes back."""

    def unix_millis(self) -> int:
        """Milliseconds since 1970-01-01T00:00Z by the wall clock."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since some fixed moment; for durations only."""
        return time.monotonic()
