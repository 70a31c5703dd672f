"""The stream service's clock, as this process reckons it (rule C1)."""

from mapping_service.core.ports import Clock


class ServiceClock:
    """What the stream service's clock said last, carried on by our monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_millis: float | None = None

    def heard(self, service_millis: int) -> None:
        """An answer said what time it is there."""
        self._offset_millis = service_millis - self._clock.monotonic() * 1000

    def millis(self) -> int | None:
        """The time there in unix milliseconds; None before anything was heard."""
        if self._offset_millis is None:
            return None
        return round(self._clock.monotonic() * 1000 + self._offset_millis)
