"""The settings of a mapping as options say them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import duration_pb2
from millrace.mapping.v1 import event_source_mapping_pb2

from millrace_cli import quantity
from millrace_cli.failure import UsageFailed

UNLIMITED = "unlimited"
_INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Knobs:
    """What the command line says; None where it says nothing."""

    batch_size: int | None = None
    window: str | None = None
    retries: str | None = None
    age: str | None = None
    bisect: bool | None = None
    partial_batches: bool | None = None


def put_into(mapping: event_source_mapping_pb2.EventSourceMapping, knobs: Knobs) -> list[str]:
    """Set what was said; the names of those fields. `unlimited` leaves a field unset, which is what that means.

    Raises UsageFailed for what cannot be read. Ranges are the service's to check.
    """
    said: dict[str, Any] = {
        "batch_size": None if knobs.batch_size is None else _int32(knobs.batch_size, "--batch-size"),
        "maximum_batching_window": _duration(knobs.window, "--batching-window"),
        "maximum_retry_attempts": _retries(knobs.retries),
        "maximum_record_age": _duration(knobs.age, "--max-record-age", may_be_unlimited=True),
        "bisect_batch_on_function_error": knobs.bisect,
        "report_batch_item_failures": knobs.partial_batches,
    }
    named = {name: value for name, value in said.items() if value is not None}
    for name, value in named.items():
        if isinstance(value, duration_pb2.Duration):
            getattr(mapping, name).CopyFrom(value)
        elif value != UNLIMITED:
            setattr(mapping, name, value)
    return list(named)


def _retries(text: str | None) -> int | str | None:
    if text is None or text == UNLIMITED:
        return text
    try:
        return _int32(int(text), "--retries")
    except ValueError as error:
        raise UsageFailed(f"--retries is {text!r}; it must be a number of 0 to 10,000, or {UNLIMITED}") from error


def _duration(text: str | None, option: str, *, may_be_unlimited: bool = False) -> duration_pb2.Duration | str | None:
    if text is None or (may_be_unlimited and text == UNLIMITED):
        return text
    found = duration_pb2.Duration()
    found.FromTimedelta(quantity.duration(text, option))
    return found


def _int32(value: int, option: str) -> int:
    """A number that a message can carry. Raises UsageFailed."""
    if not -_INT32_MAX <= value <= _INT32_MAX:
        raise UsageFailed(f"{option} is {value:,}, which is far too much")
    return value
