"""Prints results: data on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, message

from millrace_cli.output_form import Output

_WIDTH = 100_000
"""No cell is broken to the width of a screen: what is copied from it must be whole. The terminal wraps long lines."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, or a line about a single thing."""

    title: str
    text: Callable[[Any], str]
    is_number: bool = False


def rows(output: Output, found: Sequence[Any], columns: Sequence[Column], *, empty: str) -> None:
    """Print rows: messages, or dicts for JSON. With none, `empty` says so on standard error.

    JSON is a document that is a list, and [] where there are none; JSON lines has a line for each row.
    """
    if not found:
        note(empty)
    match output:
        case Output.JSON:
            _write(json.dumps([as_json(each) for each in found], indent=2, ensure_ascii=False) + "\n")
        case Output.JSONL:
            _write("".join(line(each) for each in found))
        case Output.TABLE if found:
            _print_table(
                [each.title for each in columns], columns, [[each.text(row) for each in columns] for row in found]
            )


def one(output: Output, found: Any, columns: Sequence[Column]) -> None:
    """Print one thing: a line for each column in a table, an object in JSON."""
    match output:
        case Output.JSON:
            _write(json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n")
        case Output.JSONL:
            _write(line(found))
        case Output.TABLE:
            width = max(len(each.title) for each in columns)
            _write("".join(f"{each.title:<{width}}  {plain(each.text(found))}".rstrip() + "\n" for each in columns))


def line(row: Any) -> str:
    """A row as a line of JSON."""
    return json.dumps(as_json(row), ensure_ascii=False) + "\n"


def as_json(row: Any) -> Any:
    """A message with the field names of its proto, all fields that have a value or a default; a dict as it is.

    The rest is proto's JSON mapping: 64-bit integers are strings, bytes are base64, enums are names.
    """
    if isinstance(row, message.Message):
        return json_format.MessageToDict(
            row, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    return row


def note(text: str) -> None:
    """Say something that is no data."""
    sys.stderr.write(f"{plain(text, keep_lines=True)}\n")
    sys.stderr.flush()


def plain(text: str, *, keep_lines: bool = False) -> str:
    """Text that cannot steer a terminal: control characters are shown as \\xNN. Line ends stay if asked for."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or (keep_lines and each == "\n") else each.encode("unicode_escape").decode()
        for each in text
    )


def _print_table(titles: Sequence[str], columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
    from rich import console as rich_console
    from rich import table as rich_table
    from rich import text as rich_text

    table = rich_table.Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title, column in zip(titles, columns, strict=True):
        table.add_column(title, justify="right" if column.is_number else "left", no_wrap=True)
    for row in cells:
        table.add_row(*(rich_text.Text(plain(cell)) for cell in row))
    console = rich_console.Console(width=_WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(table)
    _write("".join(f"{each.rstrip()}\n" for each in captured.get().splitlines()))


def _write(text: str) -> None:
    """To standard output as UTF-8, whatever the locale; half a surrogate pair becomes a question mark."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
