"""The knobs of a Producer, with defaults that need no change."""

from __future__ import annotations

from dataclasses import dataclass

from millrace_sdk import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerSettings:
    """How a Producer gathers, waits and tries again. Raises ValueError for a value out of range."""

    linger_seconds: float = 0.0
    """How long a call waits for more records: 0 and up. 0 gathers only while another call is in flight, which measured
    best: a linger of 1 ms halves the rate of callers that wait for their answers."""

    call_records_max: int = limits.REQUEST_RECORDS_MAX
    """Most records in a call: 1 to 500."""

    call_bytes_max: int = 1024 * 1024
    """Most bytes of keys and data in a call, or one record: 1 to 10 MiB."""

    buffered_records_max: int = 10_000
    """Most records that are on their way, at least 1; a put beyond waits in turn."""

    buffered_bytes_max: int = 32 * 1024 * 1024
    """Most bytes of keys and data that are on their way, or one record, at least 1; a put beyond waits in turn."""

    delivery_timeout_seconds: float = 120.0
    """How long a put is tried, with all its retries and waiting, before it fails with DELIVERY_TIMEOUT; above 0."""

    call_timeout_seconds: float = 10.0
    """Deadline of one call, above 0."""

    backoff_seconds_base: float = 0.05
    """Longest pause before the first retry, above 0; it doubles with each failure in a row."""

    backoff_seconds_max: float = 2.0
    """Longest pause before any retry, unless the service asks for a longer one; at least the base."""

    is_idempotent: bool = True
    """Whether records are numbered, so that one that is sent again within 24 hours is stored once."""

    relist_seconds_min: float = 1.0
    """Least time between two looks at a stream's shards because answers name others than it listed; 0 and up."""

    def __post_init__(self) -> None:
        _check("linger_seconds", self.linger_seconds, at_least=0)
        _check("call_records_max", self.call_records_max, at_least=1, at_most=limits.REQUEST_RECORDS_MAX)
        _check("call_bytes_max", self.call_bytes_max, at_least=1, at_most=limits.REQUEST_BYTES_MAX)
        _check("buffered_records_max", self.buffered_records_max, at_least=1)
        _check("buffered_bytes_max", self.buffered_bytes_max, at_least=1)
        _check("delivery_timeout_seconds", self.delivery_timeout_seconds, above=0)
        _check("call_timeout_seconds", self.call_timeout_seconds, above=0)
        _check("backoff_seconds_base", self.backoff_seconds_base, above=0)
        _check("backoff_seconds_max", self.backoff_seconds_max, at_least=self.backoff_seconds_base)
        _check("relist_seconds_min", self.relist_seconds_min, at_least=0)

    def backoff_seconds(self, failures: int, chance: float) -> float:
        """The pause after so many failures in a row, at least 1, for a random number of 0 to 1: full jitter."""
        longest = self.backoff_seconds_base * 2.0 ** min(failures - 1, 32)
        return chance * min(longest, self.backoff_seconds_max)


def _check(
    name: str, value: float, *, at_least: float | None = None, above: float | None = None, at_most: float | None = None
) -> None:
    if at_least is not None and not value >= at_least:
        raise ValueError(f"{name} is {value}; it must be at least {at_least}")
    if above is not None and not value > above:
        raise ValueError(f"{name} is {value}; it must be above {above}")
    if at_most is not None and not value <= at_most:
        raise ValueError(f"{name} is {value}; it must be at most {at_most}")
