"""How full the write limits of streams are, as the process that serves them counts it. Used by the writer's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chassis.errors import DomainError
from stream_service.core import errors, throttle
from stream_service.core.record import NewRecord
from stream_service.core.router import Router
from stream_service.core.stream import Stream


@dataclass(slots=True)
class WriteGate:
    """The write limits of a stream's shards, at one moment (admission.Gate)."""

    found: Stream
    router: Router
    shard_id: Callable[[int], str]
    """The id of a shard with a storage key."""
    throttles: dict[int, throttle.WriteThrottle]
    now: float

    def take_all(self, records: Sequence[NewRecord]) -> bool:
        """See admission.Gate."""
        keys = self.router.shard_keys([record[2] for record in records])
        totals = throttle.totals(keys, [record[3] for record in records])
        if not all(self._throttle(key).has(*total, self.now) for key, total in totals.items()):
            return False
        for key, (size_bytes, count) in totals.items():
            self.throttles[key].give(-size_bytes, -count)
        return True

    def take(self, record: NewRecord) -> DomainError | None:
        """See admission.Gate."""
        key = self.router.shard_key(record[2])
        seconds = self._throttle(key).take(record[3], self.now)
        return errors.WriteLimitExceeded(self.shard_id(key), seconds) if seconds else None

    def give(self, record: NewRecord) -> None:
        """See admission.Gate."""
        self.throttles[self.router.shard_key(record[2])].give(record[3], 1)

    def _throttle(self, key: int) -> throttle.WriteThrottle:
        limited, found = self.throttles.get(key), self.found
        if limited is None:
            limited = self.throttles[key] = throttle.WriteThrottle(
                found.write_limits, record_bytes_max=found.record_bytes_max, now=self.now
            )
        return limited


class WriteLevels:
    """The levels of all streams that are limited; what a rollback undoes stays counted."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic` is what limits are counted by, in seconds."""
        self._monotonic = monotonic
        self._levels: dict[int, tuple[object, dict[int, throttle.WriteThrottle]]] = {}
        """By a stream's key the limits that they are for, and those of its shards."""

    def gate(self, found: Stream, router: Router, shard_id: Callable[[int], str]) -> WriteGate:
        """A stream's gate now: full at first and when its limits were changed, whoever changed them."""
        limits = (found.write_limits, found.record_bytes_max)
        known = self._levels.get(found.key)
        if known is None or known[0] != limits:
            known = self._levels[found.key] = (limits, {})
        return WriteGate(found, router, shard_id, known[1], self._monotonic())

    def forget(self, stream_key: int) -> None:
        """Drop the level of a stream that is gone."""
        self._levels.pop(stream_key, None)
