"""A row of the table: one ratio, its bound, and the figures behind it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

MEMORY_BYTES_MAX = 250 * 1024 * 1024  # of either service, in every row


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One interleaved pair of measurements, in the row's unit."""

    measured: float
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured. `holds` is true when ratio and memory keep their bounds."""

    name: str
    unit: str
    bound: float
    direction: Literal["at least", "at most"]
    rounds: Sequence[Round]
    peak_bytes: Mapping[str, int] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Median over the rounds of measured / floor; 0 when there was no round."""
        ratios = [each.measured / each.floor for each in self.rounds if each.floor]
        return statistics.median(ratios) if ratios else 0.0

    @property
    def holds(self) -> bool:
        """Whether the bound and the memory limit are kept."""
        kept = self.ratio >= self.bound if self.direction == "at least" else self.ratio <= self.bound
        return bool(self.rounds) and kept and all(peak <= MEMORY_BYTES_MAX for peak in self.peak_bytes.values())

    def as_json(self) -> dict[str, object]:
        """The row as it stands in build/bench.json."""
        return {
            "name": self.name,
            "ratio": round(self.ratio, 3),
            "bound": self.bound,
            "direction": self.direction,
            "holds": self.holds,
            "unit": self.unit,
            "measured": round(statistics.median(each.measured for each in self.rounds), 3),
            "floor": round(statistics.median(each.floor for each in self.rounds), 3),
            "rounds": [{"measured": round(each.measured, 3), "floor": round(each.floor, 3)} for each in self.rounds],
            "peak_mebibytes": {name: round(peak / 1024 / 1024) for name, peak in self.peak_bytes.items()},
        }
