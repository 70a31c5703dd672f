"""A handler that prints the strongest event of each batch, and counts for itself what it was given.

    python examples/handlers/python/earthquakes.py --port 7500

With `--log FILE` it also keeps a journal: one JSON line when a call begins, one when it ends, with times of the
machine's monotonic clock. The demo reads nothing else to find out what was lost, repeated or out of order.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from millrace_sdk import Batch, Record, serve


class Earthquakes:
    """Counts the events of all shards, whose batches come at the same time."""

    def __init__(self, journal: TextIO | None = None, *, slow_at: int = 0, slow_seconds: float = 0.0) -> None:
        self._journal = journal
        self._slow_at = slow_at
        self._slow_seconds = slow_seconds
        self._lock = threading.Lock()
        self._count = 0
        self._highest: dict[str, str] = {}

    def handle(self, batch: Batch) -> None:
        """One batch: events of one shard, in order."""
        count, is_slow = self._begin(batch)
        event = strongest(batch)
        print(
            f"{count:>6} events; strongest of {len(batch):>2} in shard {int(batch.shard_id[-12:] or 0)}: "
            f"{event['magnitude'] or 0:4.1f} {event['place']}",
            flush=True,
        )
        if is_slow:
            time.sleep(self._slow_seconds)
        with self._lock:
            self._note("end", batch)

    def _begin(self, batch: Batch) -> tuple[int, bool]:
        """Count the batch: how many events have come, and whether this is the call that takes its time.

        The events of a shard come in order: one that is not above the highest so far has come again.
        """
        with self._lock:
            before = self._count
            highest = self._highest.get(batch.shard_id, "")
            self._count += sum(record.sequence_number > highest for record in batch)
            self._highest[batch.shard_id] = max(highest, batch[-1].sequence_number)
            self._note("begin", batch)
            return self._count, before < self._slow_at <= self._count

    def _note(self, what: str, batch: Batch) -> None:
        if self._journal is None:
            return
        line = {
            "call": what,
            "at": time.monotonic(),
            "count": self._count,
            "invocation_id": batch.invocation_id,
            "attempt": batch.attempt,
            "shard_id": batch.shard_id,
            "records": [[record.sequence_number, record.partition_key] for record in batch],
        }
        self._journal.write(json.dumps(line) + "\n")
        self._journal.flush()


def strongest(records: list[Record]) -> dict[str, Any]:
    """The event with the highest magnitude; one without a magnitude counts as the weakest."""
    events: list[dict[str, Any]] = [record.json() for record in records]
    return max(events, key=lambda event: event["magnitude"] or -10)


def main() -> None:
    """Serve until stopped."""
    arguments = argparse.ArgumentParser(description="Print the strongest earthquake of each batch.")
    arguments.add_argument("--port", type=int, help="where to listen; 0 takes a free port")
    arguments.add_argument("--log", type=Path, help="file to keep a journal of calls in")
    arguments.add_argument("--slow-at", type=int, default=0, help="the call that reaches this count takes its time")
    arguments.add_argument("--slow-seconds", type=float, default=0.0, help="how long that call takes")
    given = arguments.parse_args()
    journal = given.log.open("a") if given.log else None
    serve(Earthquakes(journal, slow_at=given.slow_at, slow_seconds=given.slow_seconds).handle, port=given.port)


if __name__ == "__main__":
    main()
