"""What became of the records of a put: counted, told, and kept for another try."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from millrace_cli import output
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import UsageFailed
from millrace_cli.output_form import Output
from millrace_cli.records import entries, writing
from millrace_cli.records.entries import Entry, Unfit

FAILURES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Stored:
    record: int
    shard_id: str
    sequence_number: str
    partition_key: str


COLUMNS = [
    output.Column("RECORD", lambda row: str(row.record), is_number=True),
    output.Column("SHARD", lambda row: row.shard_id),
    output.Column("SEQUENCE NUMBER", lambda row: row.sequence_number),
    output.Column("KEY", lambda row: row.partition_key),
]


class Outcome:
    """Counts and tells. Use it in a `with`, which closes the file of failures and the rows that were printed."""

    def __init__(self, form: Output, *, failed_to: Path | None, is_short: bool) -> None:
        """`is_short` says that so few records come that a table can show each. Raises UsageFailed for the file."""
        self._form = form
        self._failed_path = failed_to
        self._rows = None if form is Output.TABLE else writing.Rows(form)
        self._table: list[_Stored] | None = [] if is_short and form is Output.TABLE else None
        self._shown: list[str] = []
        self._started = time.monotonic()
        self.stored_count = 0
        self.failed_count = 0
        self.unknown_count = 0
        self._is_any_puttable = False
        self._file = _opened(failed_to)

    @property
    def is_keeping(self) -> bool:
        """Whether a file keeps what failed."""
        return self._file is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if isinstance(error, BrokenPipeError):
            return
        if self._rows is not None and (self._rows.count or error is None):
            self._rows.close()
        if self._table:
            rows = sorted(self._table, key=lambda row: row.record)
            output.rows(Output.TABLE, rows, COLUMNS, empty="")

    def stored(self, entry: Entry, shard_id: str, sequence_number: str) -> None:
        """It is on disk."""
        self.stored_count += 1
        if self._table is not None:
            self._table.append(_Stored(entry.number, shard_id, sequence_number, entry.key))
        elif self._rows is not None:
            row = _Stored(entry.number, shard_id, sequence_number, entry.key)
            self._rows.add({name: getattr(row, name) for name in _Stored.__slots__})

    def unfit(self, one: Unfit) -> None:
        """It was not sent."""
        self._fail(one, one.reason, one.message, may_be_stored=False)

    def failed(self, entry: Entry, reason: str, message: str, *, may_be_stored: bool) -> None:
        """It will not be tried again."""
        self._fail(entry, reason, message, may_be_stored=may_be_stored)

    def exit_code(self) -> ExitCode:
        """Done, partly done, or refused when nothing at all was stored."""
        if not self.failed_count:
            return ExitCode.DONE
        return ExitCode.PARTLY if self.stored_count else ExitCode.REFUSED

    def tell(self, *, is_whole: bool = True) -> None:
        """Say on standard error what became of them; `is_whole` is whether all of the input was read."""
        seconds = time.monotonic() - self._started
        if is_whole and not self.stored_count and not self.failed_count:
            output.note("the input is empty; nothing was put")
            return
        rate = f", {self.stored_count / seconds:,.0f} a second" if self.stored_count > 1 else ""
        output.note(f"{_records(self.stored_count)} stored in {seconds:.2f} s{rate}")
        if self.failed_count:
            output.note("\n".join(self._failures()))

    def _failures(self) -> Sequence[str]:
        lines = [f"{_records(self.failed_count)} not stored:", *self._shown]
        if self.failed_count > len(self._shown):
            lines.append(f"  ... and {self.failed_count - len(self._shown):,} more")
        if self.unknown_count:
            lines.append(f"  of {_records(self.unknown_count)} no answer came: they may be stored")
        if self._failed_path is not None:
            path = self._failed_path
            again = f"; put them again with: --as records --file {path}" if self._is_any_puttable else ""
            lines.append(f"  All of them are in {path}{again}")
        else:
            lines.append("  --failed-to FILE keeps them for another try.")
        return lines

    def _fail(self, one: Entry | Unfit, reason: str, message: str, *, may_be_stored: bool) -> None:
        self.failed_count += 1
        self._is_any_puttable |= isinstance(one, Entry)
        self.unknown_count += may_be_stored
        if len(self._shown) < FAILURES_SHOWN:
            self._shown.append(f"  record {one.number}: {reason}: {message}")
        if self._file is not None:
            row = entries.as_failed(one, reason=reason, message=message, may_be_stored=may_be_stored)
            self._file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _opened(path: Path | None) -> BinaryIO | None:
    if path is None:
        return None
    try:
        return path.open("wb")
    except OSError as error:
        raise UsageFailed(f"--failed-to {path} cannot be written: {error.strerror}") from error
