"""What a handler says about records that it could not handle."""

from __future__ import annotations

import contextlib
import inspect
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from millrace.handler.v1 import handler_service_pb2

from millrace_sdk.record import Record

MESSAGE_CHARACTERS_MAX = 1_024
"""What the mapping service keeps of a message."""

TYPE_CHARACTERS_MAX = 128
STACK_TRACE_CHARACTERS_MAX = 16_384
"""The end of a stack trace says where it broke; a deep recursion would make megabytes of it."""


@dataclass(frozen=True, slots=True)
class BatchItemFailure:
    """A record that failed, and why, for people."""

    sequence_number: str
    message: str = ""


Failure: TypeAlias = "str | Record | BatchItemFailure"
"""A failed record: its sequence number, the record itself, or a BatchItemFailure with a message."""

Failures: TypeAlias = "Iterable[Failure] | None"
"""Failed records in any order; None or nothing means that all are handled."""


class Unretryable(Exception):
    """Raised by a handler: sending this batch again cannot help. It is discarded without further attempts."""


def answer_to(failures: object) -> handler_service_pb2.InvokeResponse:
    """The answer for what a handler returned. Raises TypeError if that is not failures."""
    answer = handler_service_pb2.InvokeResponse()
    if failures is None:
        return answer
    if inspect.iscoroutine(failures):
        failures.close()
        raise TypeError("a handler that awaits must be an `async def` function")
    if isinstance(failures, str | bytes | dict) or not isinstance(failures, Iterable):
        raise TypeError(f"a handler returns None or an iterable of failed records, not {type(failures).__name__}")
    for failure in failures:
        sequence_number, message = _parts(failure)
        answer.batch_item_failures.add(
            sequence_number=sequence_number, message=_clean(message)[:MESSAGE_CHARACTERS_MAX]
        )
    return answer


def answer_to_error(error: BaseException) -> handler_service_pb2.InvokeResponse:
    """The answer for an exception: the whole batch failed."""
    said = handler_service_pb2.HandlerError(
        type=_clean(type(error).__name__)[:TYPE_CHARACTERS_MAX],
        message=_clean(_text(error))[:MESSAGE_CHARACTERS_MAX],
        stack_trace=_clean("".join(traceback.format_tb(error.__traceback__)))[-STACK_TRACE_CHARACTERS_MAX:],
    )
    if isinstance(error, Unretryable):
        said.retryable = False
    return handler_service_pb2.InvokeResponse(error=said)


def _parts(failure: object) -> tuple[str, str]:
    match failure:
        case str():
            return failure, ""
        case Record():
            return failure.sequence_number, ""
        case BatchItemFailure():
            return failure.sequence_number, failure.message
    raise TypeError(
        f"a failed record is a sequence number, a Record or a BatchItemFailure, not {type(failure).__name__}"
    )


def _text(error: BaseException) -> str:
    """Its text, also of an exception that fails to say it."""
    with contextlib.suppress(Exception):
        return str(error)
    return "(the exception has no text)"


def _clean(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate, as in a broken file name, would end the call instead."""
    return text.encode("utf-8", "replace").decode("utf-8")
