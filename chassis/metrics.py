"""What a process counts: metrics as they are documented, and the plain numbers behind them. Pure.

Counting must cost next to nothing, so an instrument is a number without a lock, changed by one thread alone. Whoever
wants to see asks for families; how they are written down is the business of `process/metrics_page.py`.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a metric's number means."""

    COUNTER = "counter"
    """Only rises, from 0 at the start of the process."""
    GAUGE = "gauge"
    """How it is at the moment."""
    HISTOGRAM = "histogram"
    """How many there were up to each bound, and their sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric, as users see it; the documents are made of these."""

    name: str
    """With its unit at the end; a counter's name is shown with `_total` behind it."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram, rising; the last, without a bound, goes without saying."""


class Distribution(NamedTuple):
    """What a histogram counted: how many fell below each bound and above all, each once, and their sum."""

    counts: tuple[int, ...]
    sum: float


class Sample(NamedTuple):
    """A metric's value for one set of label values, in the order of its labels."""

    labels: tuple[str, ...]
    value: float | Distribution


class Family(NamedTuple):
    """A metric with all its samples."""

    metric: Metric
    samples: Sequence[Sample]


Source = Callable[[], Sequence[Family]]
"""Says what was counted. Called on the event loop, so it must be quick."""


class Histogram:
    """Counts values between bounds. Used by one thread; read by any."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value; one that equals a bound is within it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def read(self) -> Distribution:
        """What was counted so far."""
        return Distribution(tuple(self._counts), self._sum)


def single(metric: Metric, value: float | Distribution) -> Family:
    """A family without labels."""
    return Family(metric, (Sample((), value),))
