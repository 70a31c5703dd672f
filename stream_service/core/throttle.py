"""Throughput limits of a shard, as token buckets that hold what one second brings."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stream_service.core.stream import ReadLimits, WriteLimits

_ROUNDING = 1e-6
"""Tokens that are missing for want of digits alone."""


@dataclass(slots=True)
class Bucket:
    """Tokens that come at a rate, up to a bound. Full at first."""

    rate: float
    """Tokens a second."""
    bound: float
    """Most tokens that it holds."""
    at: float
    """The monotonic second of its level."""
    level: float = -1.0

    def __post_init__(self) -> None:
        if self.level < 0:
            self.level = self.bound

    def refill(self, now: float) -> None:
        """Add what came since the last look."""
        self.level = min(self.bound, self.level + max(0.0, now - self.at) * self.rate)
        self.at = now

    def wait(self, amount: float) -> float:
        """Seconds until the amount is there; 0 if it is, or if the bucket is full and can never hold more."""
        missing = min(amount, self.bound) - self.level
        return missing / self.rate if missing > _ROUNDING else 0.0


class WriteThrottle:
    """Admits records of one shard."""

    def __init__(self, limits: WriteLimits, *, record_bytes_max: int, now: float) -> None:
        """`record_bytes_max` is the largest record, which passes when the bucket is full."""
        self._bytes = _bucket(limits.bytes_per_second, record_bytes_max, now)
        self._records = _bucket(limits.records_per_second, 1, now)

    def take(self, size_bytes: int, now: float) -> float:
        """Take a record's tokens; 0 when it is admitted, otherwise the seconds after which it would be."""
        seconds = 0.0
        for bucket, amount in ((self._bytes, size_bytes), (self._records, 1)):
            if bucket is not None:
                bucket.refill(now)
                seconds = max(seconds, bucket.wait(amount))
        if not seconds:
            self.give(-size_bytes, -1)
        return seconds

    def has(self, size_bytes: int, records: int, now: float) -> bool:
        """Whether there are tokens for so much together."""
        for bucket, amount in ((self._bytes, size_bytes), (self._records, records)):
            if bucket is not None:
                bucket.refill(now)
                if bucket.level < amount:
                    return False
        return True

    def give(self, size_bytes: int, records: int) -> None:
        """Give tokens back of records that were not stored after all."""
        if self._bytes is not None:
            self._bytes.level += size_bytes
        if self._records is not None:
            self._records.level += records


class ReadThrottle:
    """Admits reads of one shard. What a read takes too much is waited for by the next."""

    def __init__(self, limits: ReadLimits, *, now: float) -> None:
        self._bytes = _bucket(limits.bytes_per_second, 1, now)
        self._calls = _bucket(limits.calls_per_second, 1, now)

    def enter(self, now: float) -> float:
        """Take a call; 0 when it is admitted, otherwise the seconds after which it would be."""
        seconds = 0.0
        for bucket in (self._bytes, self._calls):
            if bucket is not None:
                bucket.refill(now)
                seconds = max(seconds, bucket.wait(1))
        if not seconds and self._calls is not None:
            self._calls.level -= 1
        return seconds

    def took(self, size_bytes: int) -> None:
        """Count the bytes of an answer."""
        if self._bytes is not None:
            self._bytes.level -= size_bytes


class ReadThrottles:
    """Those of all shards that are limited; the least lately used go first, and are full again then."""

    def __init__(self, shards_max: int = 20_000) -> None:
        self._shards_max = shards_max
        self._throttles: OrderedDict[int, tuple[ReadLimits, ReadThrottle]] = OrderedDict()

    def of(self, shard_key: int, limits: ReadLimits, now: float) -> ReadThrottle:
        """A shard's, full at first and when its limits were changed."""
        known = self._throttles.get(shard_key)
        if known is None or known[0] != limits:
            known = self._throttles[shard_key] = (limits, ReadThrottle(limits, now=now))
        self._throttles.move_to_end(shard_key)
        if len(self._throttles) > self._shards_max:
            self._throttles.popitem(last=False)
        return known[1]


def totals(shard_keys: Iterable[int], sizes: Iterable[int]) -> Mapping[int, tuple[int, int]]:
    """Bytes and records by shard, for records with these shards and sizes."""
    found: dict[int, tuple[int, int]] = {}
    for key, size in zip(shard_keys, sizes, strict=True):
        size_bytes, count = found.get(key, (0, 0))
        found[key] = (size_bytes + size, count + 1)
    return found


def _bucket(rate: int, least: int, now: float) -> Bucket | None:
    return Bucket(rate=rate, bound=max(rate, least), at=now) if rate else None
