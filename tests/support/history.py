"""What happened, as those outside the services saw it: the producer's answers and the handler's own log."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Puts:
    """What the producer knows of its records, which are told apart by their data."""

    stored: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Data of acknowledged records: shard id and sequence number."""
    unknown: set[str] = field(default_factory=set)
    """Data of records of which nobody knows whether they are stored."""


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
    ok: bool = False
    failed: list[str] = field(default_factory=list)


class HandlerLog:
    """The handler's file, read as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_to = 0
        self.invocations: list[Invocation] = []
        self._open: dict[tuple[str, int, int], Invocation] = {}
        self.delivered: set[str] = set()
        """Data of records in calls that ended well."""

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
        key = (entry["invocation"], entry["attempt"], entry["epoch"])
        if entry["phase"] == "start":
            names = ("invocation", "shard", "attempt", "epoch", "numbers", "data")
            call = Invocation(**{name: entry[name] for name in names}, started=entry["at"])
            self.invocations.append(call)
            self._open[key] = call
            return
        call = self._open.pop(key)
        call.ended, call.ok, call.failed = entry["at"], entry["ok"], entry["failed"]
        if call.ok:
            self.delivered.update(call.data)
