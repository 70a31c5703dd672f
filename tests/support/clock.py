"""A clock that stands still until it is told to move."""


class FakeClock:
    """Both clocks of a machine. Time passes on both with `advance`; `jump` moves the wall clock alone."""

    def __init__(self, *, unix_millis: int = 1_700_000_000_000, monotonic: float = 1_000.0) -> None:
        self._unix_millis = unix_millis
        self._monotonic = monotonic

    def unix_millis(self) -> int:
        """Milliseconds since 1970 by the wall clock."""
        return self._unix_millis

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0, "time does not go back; jump moves the wall clock"
        self._monotonic += seconds
        self._unix_millis += round(seconds * 1000)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a person or a time server does."""
        self._unix_millis += round(seconds * 1000)
