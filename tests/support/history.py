"""What happened, as those outside the services saw it: the producer's answers and the handler's own log."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Puts:
    """What the producer knows of its records, which are told apart by their data.

    A record that is neither stored nor unknown was refused: it must be nowhere.
    """

    stored: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Data of acknowledged records: shard id and sequence number."""
    unknown: set[str] = field(default_factory=set)
    """Data of records of which nobody knows whether they are stored."""
    times: dict[str, tuple[float, float]] = field(default_factory=dict)
    """When the put of an acknowledged record began and was answered, in seconds."""


@dataclass(slots=True)
class Invocation:
    """One call of the handler."""

    invocation: str
    shard: str
    attempt: int
    epoch: int
    numbers: list[str]
    data: list[str]
    started: float
    ended: float | None = None
    settled: int = 0
    """How many of its records, from the first on, the handler's answer settles."""
    was_cut_off: bool = False
    """Whether the caller left, or the handler was killed, before there was an answer."""

    @property
    def ok(self) -> bool:
        """Whether all of it was settled."""
        return self.settled == len(self.numbers)


class HandlerLog:
    """The handler's file, read as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_to = 0
        self.invocations: list[Invocation] = []
        self._open: dict[str, Invocation] = {}
        self.delivered: set[str] = set()
        """Data of records that were settled."""

    def refresh(self) -> HandlerLog:
        """Read what is new."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read_to)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._read_to += len(line)
                    self._take(json.loads(line))
        return self

    @property
    def in_flight(self) -> list[Invocation]:
        """Calls that are in the handler now."""
        return list(self._open.values())

    def _take(self, entry: dict[str, Any]) -> None:
        match entry["phase"]:
            case "boot":
                for call in self._open.values():
                    call.ended, call.was_cut_off = entry["at"], True
                self._open.clear()
            case "start":
                names = ("invocation", "shard", "attempt", "epoch", "numbers", "data")
                call = Invocation(**{name: entry[name] for name in names}, started=entry["at"])
                self.invocations.append(call)
                self._open[entry["call"]] = call
            case "end":
                call = self._open.pop(entry["call"])
                call.ended, call.settled, call.was_cut_off = entry["at"], entry["settled"], entry["was_cut_off"]
                self.delivered.update(call.data[: call.settled])
