"""Reads the handler's own journal while the handler writes it."""

from __future__ import annotations

import json
from pathlib import Path

from millrace_cli import lines
from millrace_cli.demo.tally import Delivery


class Journal:
    """What the handler has noted so far."""

    def __init__(self, path: Path) -> None:
        self._lines = lines.Lines(path)
        self.count = 0
        """Different records, by the handler's own count."""
        self.calls = 0
        """Calls that have begun."""
        self.calls_under_way = 0
        """Of those, the calls that have not ended."""
        self.deliveries: list[Delivery] = []
        """Each record of each call, in order."""

    def read(self) -> None:
        """Read on."""
        for text in self._lines.read():
            line = json.loads(text)
            self.count = max(self.count, line["count"])
            if line["call"] == "end":
                self.calls_under_way -= 1
                continue
            self.calls += 1
            self.calls_under_way += 1
            self.deliveries += [Delivery(number, line["at"]) for number, _network in line["records"]]
