"""Where the records of a put come from: arguments, a file or standard input, one by one."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from millrace_cli import chunks, output, quantity
from millrace_cli.failure import UsageFailed
from millrace_cli.records import entries, json_field, splitting
from millrace_cli.records.entries import Entry, Read, Shape, Unfit
from millrace_cli.records.form import Form

_RECORD_LINE_FACTOR = 7
"""A byte of data takes up to six characters in JSON, and there is more than the data in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What `put` was asked for, as it was written."""

    stream: str
    data: Sequence[str] = ()
    file: Path | None = None
    form: Form = Form.LINES
    key: str = ""
    key_field: str = ""
    hash_key: str = ""
    attributes: Sequence[str] = ()
    failed_to: Path | None = None


STANDARD_INPUT = "-"


def with_standard_input(wanted: Wanted) -> Wanted:
    """The same; a dash as the only argument means standard input, as it does elsewhere."""
    if wanted.data == [STANDARD_INPUT] and wanted.file is None:
        return replace(wanted, data=[], file=Path(STANDARD_INPUT))
    return wanted


def check(wanted: Wanted) -> None:
    """Raises UsageFailed for options that exclude each other."""
    if wanted.data and wanted.file is not None:
        raise UsageFailed("records come from arguments or from --file, not from both")
    if wanted.key and wanted.key_field:
        raise UsageFailed("--key and --key-field exclude each other")
    if wanted.failed_to and wanted.file and _is_same(wanted.failed_to, wanted.file):
        raise UsageFailed(f"--failed-to {wanted.failed_to} is the file that is read; name another")


def shape(wanted: Wanted, *, bytes_max: int) -> Shape:
    """How records are made. Raises UsageFailed for what no record may have."""
    attributes = dict(quantity.pair(each, "--attribute") for each in wanted.attributes)
    problem = entries.problem_of(wanted.key, wanted.hash_key, attributes)
    if problem:
        raise UsageFailed(problem)
    return Shape(
        key=wanted.key,
        key_path=json_field.parse_path(wanted.key_field) if wanted.key_field else (),
        hash_key=wanted.hash_key,
        attributes=attributes,
        is_json=wanted.form is Form.JSON,
        bytes_max=bytes_max,
    )


class Input:
    """The input, opened. It is read once; a second `reads()` goes on where the first one stopped.

    `number` is the last record that was read, from 1; `size_bytes` is None where nobody knows it.
    """

    def __init__(self, wanted: Wanted, shape: Shape) -> None:
        """Raises UsageFailed when the file cannot be read."""
        self._wanted = wanted
        self._shape = shape
        self._arguments = iter(wanted.data)
        factor = _RECORD_LINE_FACTOR if wanted.form is Form.RECORDS else 1
        self._splitter = splitting.Splitter(shape.bytes_max * factor)
        self._lines: Iterator[splitting.Line] = iter(())
        self._descriptor = -1 if wanted.data else _opened(wanted.file)
        self._chunks = None if wanted.data else chunks.Chunks(self._descriptor)
        self._numbers = itertools.count(1)
        self.number = 0
        self.bytes_read = 0
        self.size_bytes = None if wanted.data else chunks.size_of(self._descriptor)

    def __enter__(self) -> Self:
        if self.is_typed:
            output.note(f"reading records for {self._wanted.stream}, one a line; Ctrl-D ends them")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread may still wait in a read; the process ends right after this.
        return None

    @property
    def is_read(self) -> bool:
        """Whether records come from a file or standard input."""
        return self._chunks is not None

    @property
    def is_typed(self) -> bool:
        """Whether somebody types them."""
        return self.is_read and os.isatty(self._descriptor)

    async def reads(self) -> AsyncIterator[Read]:
        """Records, and what cannot be one. Raises UsageFailed when the file cannot be read on."""
        for argument in self._arguments:
            yield self._made(os.fsencode(argument))
        if self._chunks is None:
            return
        try:
            async for line in self._all_lines():
                yield self._of_line(line)
        except OSError as error:
            raise UsageFailed(f"the input cannot be read: {error.strerror}") from error

    async def _all_lines(self) -> AsyncIterator[splitting.Line]:
        assert self._chunks is not None
        is_whole = self._wanted.form is Form.FILE
        for line in self._lines:
            yield line
        while chunk := await self._chunks.next():
            self.bytes_read += len(chunk)
            if is_whole:
                self._splitter.take(chunk)
                continue
            self._lines = self._splitter.feed(chunk)
            for line in self._lines:
                yield line
        self._lines = self._splitter.close()
        for line in self._lines:
            yield line

    def _of_line(self, line: splitting.Line) -> Read:
        if line.is_cut:
            self.number = next(self._numbers)
            return entries.of_cut(self.number, line.data, line.size_bytes, self._shape.bytes_max)
        return self._made(line.data)

    def _made(self, data: bytes) -> Entry | Unfit:
        self.number = next(self._numbers)
        make = entries.of_record if self._wanted.form is Form.RECORDS else entries.of_data
        return make(self._shape, self.number, data)


def _opened(file: Path | None) -> int:
    if file is None or str(file) == STANDARD_INPUT:
        if sys.stdin is None:
            raise UsageFailed("standard input is closed; name records or a --file")
        return sys.stdin.fileno()
    try:
        return os.open(file, os.O_RDONLY)
    except OSError as error:
        raise UsageFailed(f"{file} cannot be read: {error.strerror}") from error


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
