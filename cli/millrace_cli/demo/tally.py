"""Counts what the handler's journal says against what was put. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """An acknowledged record: its network, its place among all, and when its put began."""

    network: str
    index: int
    at: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """A record in a call that began at that time."""

    sequence_number: str
    at: float


@dataclass(frozen=True, slots=True)
class Outage:
    """From the kill to the first call after it."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From put to handler, in milliseconds; None without a record."""

    median_millis: float | None
    percentile_99_millis: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The demo's result."""

    records_put: int
    records_delivered: int
    records_redelivered: int
    records_lost: int
    out_of_order: int
    with_outage: Latency
    without_outage: Latency
    records_a_second: float

    @property
    def is_good(self) -> bool:
        """Nothing lost, nothing out of order."""
        return self.records_put > 0 and self.records_lost == 0 and self.out_of_order == 0


def tally(sent: Mapping[str, Sent], deliveries: Iterable[Delivery], outage: Outage | None) -> Tally:
    """Count. `sent` is by sequence number; deliveries are in the order in which the handler got them.

    Without the outage means: less the records that were on their way at some moment of it.
    """
    first: dict[str, float] = {}
    total = 0
    for delivery in deliveries:
        total += 1
        first.setdefault(delivery.sequence_number, delivery.at)
    known = [(sent[number], at) for number, at in first.items() if number in sent]
    undisturbed = [(one, at) for one, at in known if outage is None or at < outage.begin or one.at > outage.end]
    return Tally(
        records_put=len(sent),
        records_delivered=len(first),
        records_redelivered=total - len(first),
        records_lost=len(sent) - len(known),
        out_of_order=_out_of_order([one for one, _ in known]),
        with_outage=_latency(known),
        without_outage=_latency(undisturbed),
        records_a_second=_rate(known),
    )


def _out_of_order(sent: Iterable[Sent]) -> int:
    """First deliveries that came after one of the same network that was put later."""
    latest: dict[str, int] = {}
    count = 0
    for one in sent:
        count += one.index < latest.get(one.network, -1)
        latest[one.network] = max(one.index, latest.get(one.network, -1))
    return count


def _latency(pairs: Sequence[tuple[Sent, float]]) -> Latency:
    taken = sorted((at - one.at) * 1000 for one, at in pairs)
    return Latency(median_millis=_percentile(taken, 50), percentile_99_millis=_percentile(taken, 99))


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


def _rate(pairs: Sequence[tuple[Sent, float]]) -> float:
    """Records from the first put to the last first delivery, a second."""
    if not pairs:
        return 0.0
    seconds = max(at for _, at in pairs) - min(one.at for one, _ in pairs)
    return len(pairs) / seconds if seconds > 0 else 0.0
