"""What was measured, reckoned into a row. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

MIB = 1024 * 1024


@dataclass(slots=True)
class Tally:
    """The calls of one phase."""

    records: int = 0
    data_bytes: int = 0
    refused: int = 0
    """Records that were refused with a delay after which they might be taken."""
    seconds: list[float] = field(default_factory=list)
    """How long each answered call took."""

    def add(self, seconds: float, *, records: int, data_bytes: int, refused: int = 0) -> None:
        """Count an answered call."""
        self.seconds.append(seconds)
        self.records += records
        self.data_bytes += data_bytes
        self.refused += refused


def row(operation: str, tally: Tally, elapsed_seconds: float) -> dict[str, Any]:
    """The phase as it is shown; rates are over the whole time, latencies over calls that were answered."""
    lasted = max(elapsed_seconds, 1e-9)
    taken = sorted(tally.seconds)
    return {
        "operation": operation,
        "seconds": round(elapsed_seconds, 3),
        "calls": len(taken),
        "records": tally.records,
        "refused_records": tally.refused,
        "records_per_second": round(tally.records / lasted, 1),
        "mib_per_second": round(tally.data_bytes / MIB / lasted, 3),
        "p50_millis": round(percentile(taken, 0.50) * 1000, 3),
        "p99_millis": round(percentile(taken, 0.99) * 1000, 3),
        "max_millis": round(percentile(taken, 1.0) * 1000, 3),
    }


def percentile(ascending: Sequence[float], share: float) -> float:
    """The least value that at least this share of the values does not exceed; 0 without values."""
    if not ascending:
        return 0.0
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]
