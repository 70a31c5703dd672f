"""The checkpoint that is being stored, until it is known to be on disk."""

from mapping_service.core import backoff
from mapping_service.core.moment import Moment
from mapping_service.core.shard_events import StoreCheckpoint


class Storing:
    """At most one checkpoint is on its way to the disk."""

    def __init__(self) -> None:
        self._store: StoreCheckpoint | None = None
        self._again_at: float | None = None
        self._failures = 0

    @property
    def is_busy(self) -> bool:
        """Whether a checkpoint is not known to be stored yet."""
        return self._store is not None

    @property
    def again_at(self) -> float | None:
        """Monotonic second at which it is tried again; None while it is not known to have failed."""
        return self._again_at

    def start(self, store: StoreCheckpoint) -> StoreCheckpoint:
        """Store this."""
        self._store = store
        return store

    def stored(self) -> StoreCheckpoint | None:
        """It is on disk; answers what was stored, None when nothing was on its way."""
        store = self._store
        self.forget()
        return store

    def failed(self, now: Moment) -> None:
        """It is known not to be stored: try again after a pause."""
        self._failures += 1
        delay = backoff.delay_seconds(self._failures, seconds_max=backoff.FREE_SECONDS_MAX, random=now.random)
        self._again_at = now.monotonic + delay

    def due(self, now: Moment) -> StoreCheckpoint | None:
        """What is to be stored again now; None when nothing is."""
        if self._again_at is None or now.monotonic < self._again_at:
            return None
        self._again_at = None
        return self._store

    def forget(self) -> None:
        """Nothing is on its way any more."""
        self._store = self._again_at = None
        self._failures = 0
