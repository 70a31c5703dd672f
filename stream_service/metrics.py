"""All metrics of the stream service; they can be listed without starting it."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.database import commit_metrics
from chassis.metrics import Family, Kind, Metric, single
from chassis.process import call_metrics, metrics_page
from stream_service.core import works

RECORDS_PUT = Metric(
    name="millrace_records_put",
    kind=Kind.COUNTER,
    help="Records that were stored and answered with a sequence number.",
)
RECORDS_REFUSED = Metric(
    name="millrace_records_refused",
    kind=Kind.COUNTER,
    help="Records of a stored PutRecord or PutRecords that were refused one by one: throttled, for the most part.",
)
PUT_BYTES = Metric(
    name="millrace_put_bytes",
    kind=Kind.COUNTER,
    help="Bytes of keys and data of the requests whose records were stored.",
)
WATCH_ENTRIES = Metric(
    name="millrace_watch_entries",
    kind=Kind.GAUGE,
    help="Shards and streams that somebody waits for now: entries of WatchAppends, waiting GetRecords, subscriptions.",
)
STORAGE_FULL = Metric(
    name="millrace_storage_full",
    kind=Kind.GAUGE,
    help="1 while the disk is full and writes are refused as STORAGE_FULL, else 0.",
)
METRICS = (
    *call_metrics.METRICS,
    *commit_metrics.METRICS,
    RECORDS_PUT,
    RECORDS_REFUSED,
    PUT_BYTES,
    WATCH_ENTRIES,
    STORAGE_FULL,
    *metrics_page.METRICS,
)
"""Beside these, what `metrics_page.process_metrics()` lists."""


class PutMeter:
    """Counts what was put. Used on the event loop."""

    def __init__(self) -> None:
        self._records = 0
        self._refused = 0
        self._bytes = 0

    def on_committed(self, group: Sequence[object], results: Sequence[object]) -> None:
        """Told of each commit, before the writer's callers."""
        for work, result in zip(group, results, strict=True):
            if isinstance(result, works.PutDone) and isinstance(work, works.Put):
                refused = sum([not isinstance(answer, tuple) for answer in result.answers])
                self._records += len(result.answers) - refused
                self._refused += refused
                self._bytes += work.size_bytes

    def families(self) -> list[Family]:
        """What was counted so far."""
        return [
            single(RECORDS_PUT, self._records),
            single(RECORDS_REFUSED, self._refused),
            single(PUT_BYTES, self._bytes),
        ]


def present(*, waiters: int, is_disk_full: bool) -> list[Family]:
    """What is so of the stream service now."""
    return [single(WATCH_ENTRIES, waiters), single(STORAGE_FULL, float(is_disk_full))]
