"""The timers of a machine: it says which it wants; what differs from those that run becomes actions."""

from collections.abc import Mapping

from mapping_service.core.shard_events import CancelTimer, SetTimer


class Timers:
    """The timers that run, by id, with the monotonic second at which each fires."""

    def __init__(self) -> None:
        self._running: dict[str, float] = {}

    def fired(self, timer_id: str) -> None:
        """A timer fired and runs no more."""
        self._running.pop(timer_id, None)

    def change(self, wanted: Mapping[str, float], *, monotonic: float) -> list[SetTimer | CancelTimer]:
        """Make the running timers the wanted ones. A wanted one that fired too early is set again."""
        if not wanted and not self._running:
            return []
        stale = [CancelTimer(timer_id=timer_id) for timer_id in self._running if timer_id not in wanted]
        late = [
            SetTimer(timer_id=timer_id, after_seconds=max(deadline - monotonic, 0.0))
            for timer_id, deadline in wanted.items()
            if self._running.get(timer_id) != deadline
        ]
        self._running = dict(wanted)
        return [*stale, *late]
