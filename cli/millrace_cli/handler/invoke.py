"""`millrace handler invoke`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from millrace.mapping.v1 import handler_registry_service_pb2
from millrace.stream.v1 import record_pb2

from millrace_cli import calling, output
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import UsageFailed
from millrace_cli.handler import registry, trial
from millrace_cli.output import Column
from millrace_cli.output_form import Output
from millrace_cli.session import Session

_DATA_SHOWN_MAX = 60
_READ_BYTES_MAX = 8 * trial.BYTES_MAX
"""More than the largest batch has as JSON lines; what is larger is refused by its records."""


def batch(
    data: Sequence[str], *, file: Path | None, has_records: bool, key: str, is_empty: bool
) -> Sequence[record_pb2.Record]:
    """The records to send. Raises UsageFailed for what cannot be read, and for data from two places or none."""
    now_millis = time.time_ns() // 1_000_000
    if bool(data) + (file is not None) + is_empty > 1:
        raise UsageFailed("records come from arguments or from --file, not from both, and not with --empty")
    if is_empty:
        return []
    if data:
        return trial.of_data((each.encode(errors="surrogateescape") for each in data), key=key, now_millis=now_millis)
    lines = _lines(file)
    read = trial.of_records if has_records else trial.of_data
    found = read(lines, key=key, now_millis=now_millis)
    if not found:
        raise UsageFailed("there are no records to send; say --empty to send an empty batch")
    return found


async def invoke(session: Session, handler: str, records: Sequence[record_pb2.Record]) -> int:
    """Send them and show the answer; the exit code says what became of them. Raises CallFailed."""
    request = handler_registry_service_pb2.InvokeHandlerRequest(handler_name=handler, records=records)
    async with calling.mapping_service(session) as service:
        timeout = (await registry.get(service, handler)).timeout.ToTimedelta()
        answer = await service.call("InvokeHandler", request, extra_seconds=timeout.total_seconds())
    if session.output is Output.TABLE:
        _show(answer, records)
    else:
        output.one(session.output, answer, [])
    return exit_code(answer)


def exit_code(answer: Any) -> ExitCode:
    """What the answer means for a script."""
    if answer.status_code != "OK" or answer.response.HasField("error"):
        return ExitCode.FAILED
    return ExitCode.PARTLY if answer.response.batch_item_failures else ExitCode.DONE


def result(answer: Any, record_count: int) -> str:
    """What became of the batch, in a word or two."""
    match exit_code(answer):
        case ExitCode.DONE:
            return "handled"
        case ExitCode.PARTLY:
            return f"{len(answer.response.batch_item_failures):,} of {record_count:,} records failed"
    return "the handler answered an error" if answer.status_code == "OK" else "the call failed"


def _show(answer: Any, records: Sequence[record_pb2.Record]) -> None:
    failures = answer.response.batch_item_failures
    columns = [
        Column("RESULT", lambda row: result(row, len(records))),
        Column("STATUS", lambda row: row.status_code),
        Column("MILLISECONDS", lambda row: f"{row.duration.ToTimedelta().total_seconds() * 1000:.1f}"),
        Column("RECORDS", lambda _: f"{len(records):,}"),
    ]
    if answer.status_message:
        columns.append(Column("MESSAGE", lambda row: row.status_message))
    if answer.response.HasField("error"):
        columns.append(Column("ERROR", lambda row: _error(row.response.error)))
    output.one(Output.TABLE, answer, columns)
    if failures:
        output.rows(Output.TABLE, list(failures), _failure_columns(records), empty="")
    if answer.response.error.stack_trace:
        output.note(answer.response.error.stack_trace.rstrip())


def _error(error: Any) -> str:
    retryable = "" if not error.HasField("retryable") or error.retryable else " (not to be sent again)"
    return f"{error.type}: {error.message}{retryable}" if error.type else f"{error.message}{retryable}"


def _failure_columns(records: Sequence[record_pb2.Record]) -> list[Column]:
    places = {each.sequence_number: place for place, each in enumerate(records)}

    def place(row: Any) -> str:
        return str(places[row.sequence_number] + 1) if row.sequence_number in places else "not in the batch"

    def data(row: Any) -> str:
        found = places.get(row.sequence_number)
        return "" if found is None else records[found].data[:_DATA_SHOWN_MAX].decode(errors="replace")

    return [
        Column("RECORD", place),
        Column("SEQUENCE NUMBER", lambda row: row.sequence_number),
        Column("MESSAGE", lambda row: row.message),
        Column("DATA", data),
    ]


def _lines(file: Path | None) -> Sequence[bytes]:
    """The lines of a file, or of standard input for `-` and None, without their ends. Raises UsageFailed."""
    if file is None or str(file) == "-":
        if sys.stdin.isatty():
            output.note("reading records, one a line; Ctrl-D ends them")
        return sys.stdin.buffer.read(_READ_BYTES_MAX).splitlines()
    try:
        with file.open("rb") as source:
            return source.read(_READ_BYTES_MAX).splitlines()
    except OSError as error:
        raise UsageFailed(f"--file {file} cannot be read: {error.strerror}") from error
