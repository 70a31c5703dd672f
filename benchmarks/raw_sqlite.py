"""The write floor: the same rows by executemany, with the same durability, and one fsync."""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.load import ROUND_SECONDS

FSYNC_BYTES = 4096


def rows_a_second(batch_size: int, record_bytes: int) -> float:
    """Rows a second into a rowid table with a unique index, WAL, synchronous=FULL, one commit a batch."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        connection = sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute(
            "CREATE TABLE record (shard INTEGER, number INTEGER, arrival INTEGER, partition_key TEXT, data BLOB)"
        )
        connection.execute("CREATE UNIQUE INDEX record_place ON record (shard, number)")
        rate = _insert(connection, batch_size, bytes(record_bytes))
        connection.close()
    return rate


def _insert(connection: sqlite3.Connection, batch_size: int, data: bytes) -> float:
    number = 0
    begin = time.perf_counter()
    while time.perf_counter() < begin + ROUND_SECONDS:
        rows = [(each % 4, number + each, 1_700_000_000_000, f"key-{each}", data) for each in range(batch_size)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        number += batch_size
    return number / (time.perf_counter() - begin)


def fsync_median_seconds(calls: int = 200) -> float:
    """Median of appending 4 KiB and fdatasync."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        descriptor = os.open(Path(folder) / "sync", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        taken = []
        for _ in range(calls):
            begin = time.perf_counter()
            os.write(descriptor, bytes(FSYNC_BYTES))
            os.fdatasync(descriptor)
            taken.append(time.perf_counter() - begin)
        os.close(descriptor)
    return statistics.median(taken)
