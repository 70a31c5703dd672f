"""Writes records to standard output, one after the other, as they come."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, Self

from millrace_cli import output
from millrace_cli.failure import UsageFailed, VerbFailed
from millrace_cli.output_form import Output
from millrace_cli.records import formats, view
from millrace_cli.records.view import View


class Rows:
    """Rows of JSON that need not all be in memory: a list with --output json, lines with jsonl."""

    def __init__(self, form: Output) -> None:
        self._is_list = form is Output.JSON
        self.count = 0

    def add(self, row: Any) -> None:
        """Write one."""
        text = json.dumps(row, ensure_ascii=False)
        if self._is_list:
            _write((",\n  " if self.count else "[\n  ").encode() + text.encode("utf-8", "replace"))
        else:
            _write(text.encode("utf-8", "replace") + b"\n")
        self.count += 1

    def close(self) -> None:
        """End the list, also one without rows. What was written is JSON also when a verb was interrupted."""
        if self._is_list:
            _write(b"\n]\n" if self.count else b"[]\n")


class Lines:
    """A line for each record, by a function."""

    def __init__(self, line: Callable[[View], bytes]) -> None:
        self._line = line

    def add(self, one: View) -> None:
        """Write one."""
        _write(self._line(one) + b"\n")


class Records:
    """Records by --output, or by --format."""

    def __init__(self, form: Output, template: str | None) -> None:
        """Raises UsageFailed for a bad template, and for one together with JSON."""
        self._rows = Rows(form)
        self._lines: Lines | None = None
        if template is not None:
            if form is not Output.TABLE:
                raise UsageFailed("--format and --output json or jsonl exclude each other")
            render = formats.parse(template).render
            self._lines = Lines(lambda one: _shown(render(one)))
        elif form is Output.TABLE:
            self._lines = Lines(_plain_line)

    def add(self, one: View) -> None:
        """Write one."""
        if self._lines is not None:
            self._lines.add(one)
        else:
            self._rows.add(view.as_json(one))

    def flush(self) -> None:
        """Let readers see what was written so far."""
        sys.stdout.buffer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what ends the document: also of a verb that was interrupted, or that failed after its first rows."""
        if isinstance(error, BrokenPipeError):
            return
        if self._lines is None and (self._rows.count or not isinstance(error, VerbFailed)):
            self._rows.close()
        self.flush()


def _plain_line(one: View) -> bytes:
    """Time, shard, key and data; data that is no UTF-8 as base64, which a word in front says."""
    text = one.text
    shown = output.plain(text) if text is not None else f"base64:{view.data_as_json(one.record.data)['data_base64']}"
    return f"{one.time}  {one.shard_id}  {output.plain(one.record.partition_key)}  {shown}".encode()


def _shown(rendered: bytes) -> bytes:
    """The bytes as they are, unless they could steer a terminal."""
    if not sys.stdout.isatty():
        return rendered
    return output.plain(rendered.decode(errors="backslashreplace"), keep_lines=True).encode()


def _write(data: bytes) -> None:
    stdout: BinaryIO = sys.stdout.buffer
    stdout.write(data)
