"""`millrace demo`: runs it, and shows what came of it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import tempfile
from pathlib import Path

from rich import console as rich_console
from rich import table as rich_table

from millrace_cli import stack
from millrace_cli.demo import run, screen
from millrace_cli.failure import VerbFailed
from millrace_cli.output_form import Output

EXIT_GOOD = 0
EXIT_BAD = 1


async def demo(form: Output) -> int:
    """The exit code: 0 only when nothing was lost and nothing came out of order."""
    if not stack.EVENTS.exists():
        raise VerbFailed(f"the events are not at {stack.EVENTS}: run this from a clone of Millrace")
    events = stack.EVENTS.read_bytes().splitlines()
    console = rich_console.Console()
    shown: screen.Screen = screen.Silence() if form is not Output.TABLE else screen.Terminal(console, total=len(events))
    folder = Path(tempfile.mkdtemp(prefix="millrace-demo-"))
    is_good = False
    try:
        with shown:
            result = await run.Demo(folder, events, shown).run()
        is_good = result.tally.is_good
    finally:
        # What a failure left is kept, to find out why; an interrupted demo leaves nothing.
        if is_good or not isinstance(sys.exception(), VerbFailed | None):
            shutil.rmtree(folder, ignore_errors=True)
    if form is not Output.TABLE:
        sys.stdout.write(json.dumps(as_json(result), indent=None if form is Output.JSONL else 2) + "\n")
    else:
        console.print(as_table(result))
        _say_verdict(console, folder, is_good=is_good)
    return EXIT_GOOD if is_good else EXIT_BAD


def as_json(result: run.Result) -> dict[str, object]:
    """The result for programs; times in milliseconds and seconds by their names."""
    counted = dataclasses.asdict(result.tally)
    with_outage, without_outage = counted.pop("with_outage"), counted.pop("without_outage")
    return {
        "is_good": result.tally.is_good,
        **counted,
        "put_to_handler": {"with_outage": with_outage, "without_outage": without_outage},
        "calls": result.calls,
        "outage_seconds": result.outage_seconds,
        "killed_at_count": result.crash.count,
        "calls_in_handler_when_killed": result.crash.calls_in_handler,
    }


def as_table(result: run.Result) -> rich_table.Table:
    """The result for people."""
    counted = result.tally
    table = rich_table.Table(title="Counted by the handler itself", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("records put", f"{counted.records_put:,}")
    table.add_row("distinct records delivered", f"{counted.records_delivered:,}")
    table.add_row("redelivered", f"{counted.records_redelivered:,}")
    table.add_row("lost", f"{counted.records_lost:,}")
    table.add_row("first deliveries out of order within a network", f"{counted.out_of_order:,}")
    table.add_section()
    table.add_row("put to handler, median, without the outage", _millis(counted.without_outage.median_millis))
    table.add_row("put to handler, 99th percentile, without", _millis(counted.without_outage.percentile_99_millis))
    table.add_row("put to handler, median, with the outage", _millis(counted.with_outage.median_millis))
    table.add_row("put to handler, 99th percentile, with", _millis(counted.with_outage.percentile_99_millis))
    table.add_section()
    table.add_row("records/s", f"{counted.records_a_second:,.0f}")
    table.add_row("calls of the handler", f"{result.calls:,}")
    table.add_row("outage: from the kill to the next call", f"{result.outage_seconds:.2f} s")
    return table


def _millis(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f} ms"


def _say_verdict(console: rich_console.Console, folder: Path, *, is_good: bool) -> None:
    if is_good:
        console.print("Nothing lost, nothing out of order.", style="bold")
    else:
        console.print(f"Records were lost or out of order; logs and databases are in {folder}", style="bold red")
