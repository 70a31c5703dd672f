from __future__ import annotations

import json
from pathlib import Path

from millrace_cli import lines
from millrace_cli.demo import journal
from millrace_cli.demo.tally import Delivery


def a_line(call: str, count: int, *numbers: str, at: float = 1.0) -> str:
    return (
        json.dumps({"call": call, "at": at, "count": count, "records": [[number, "nc"] for number in numbers]}) + "\n"
    )


def test_each_whole_line_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    reading = lines.Lines(path)
    assert reading.read() == []

    with path.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert reading.read() == ["one"]
        file.write("o\n")
        file.flush()
        assert reading.read() == ["two"]
        assert reading.read() == []


def test_a_journal_knows_deliveries_and_calls_under_way(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    reading = journal.Journal(path)

    path.write_text(a_line("begin", 2, "1", "2") + a_line("begin", 3, "9", at=2.0) + a_line("end", 3, "1", "2"))
    reading.read()

    assert (reading.count, reading.calls, reading.calls_under_way) == (3, 2, 1)
    assert reading.deliveries == [Delivery("1", 1.0), Delivery("2", 1.0), Delivery("9", 2.0)]
