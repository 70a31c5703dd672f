"""`make bench`: prints one table of ratios and writes build/bench.json."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import fan_out_rows, path_rows, read_rows, scale_rows, stream_rows, write_rows
from benchmarks.row import Row

ROWS: dict[str, Callable[[int], Awaitable[Row]]] = {
    "put-records": write_rows.put_records,
    "producer": write_rows.producer,
    "put-record": write_rows.put_record,
    "get-records": read_rows.get_records,
    "delivered": read_rows.delivered,
    "put-to-handler": path_rows.put_to_handler,
    "idle": path_rows.idle,
    "idempotent": stream_rows.idempotent,
    "put-many-shards": scale_rows.put_many_shards,
    "get-many-shards": scale_rows.get_many_shards,
    "put-much-stored": scale_rows.put_much_stored,
    "get-much-stored": scale_rows.get_much_stored,
    "trim": scale_rows.trim,
    "fan-out": fan_out_rows.one,
    "fan-out-20": fan_out_rows.twenty,
    "long-polls": stream_rows.long_polls,
}
OUTPUT = Path("build/bench.json")
DEFAULT_ROUNDS = 5
TABLE_CHARACTERS = 140


def main() -> int:
    """Measure the rows that were asked for; 1 when one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], metavar="ROW", help=f"of {', '.join(ROWS)}; all")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS, help="interleaved rounds a row (5)")
    arguments = parser.parse_args()
    rows = asyncio.run(_measure(arguments.rows or list(ROWS), arguments.rounds))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
    console = Console()
    console.width = max(console.width, TABLE_CHARACTERS)
    console.print(_table(rows))
    print(f"written to {OUTPUT}")
    return 0 if all(row.holds for row in rows) else 1


async def _measure(names: list[str], rounds: int) -> list[Row]:
    rows = []
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows.append(await ROWS[name](rounds))
    return rows


def _table(rows: list[Row]) -> Table:
    table = Table("what", "measured", "floor", "ratio", "bound", "holds", "peak MiB")
    for row in rows:
        cells = row.as_json()
        peaks = cells["peak_mebibytes"]
        assert isinstance(peaks, dict)
        table.add_row(
            row.name,
            f"{cells['measured']:,} {row.unit}",
            f"{cells['floor']:,}",
            f"{row.ratio:.2f}",
            f"{row.direction} {row.bound}",
            "yes" if row.holds else "NO",
            " ".join(str(peak) for peak in peaks.values()),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
