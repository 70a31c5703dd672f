"""What a handler's answer means for its batch (rule D1 and the meaning of batch item failures)."""

from dataclasses import dataclass

from mapping_service.core import names
from mapping_service.core.answer import Answer, Answered, CallFailed
from mapping_service.core.batch import Batch

ERROR_LENGTH_MAX = 1024
FREE_BREAKS_MAX = 2
"""Broken calls that are free for a batch: a drain, a restart. The next may be the record's doing, and counts."""

_REFUSALS = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED"})
_BUSY = frozenset({"RESOURCE_EXHAUSTED", "UNAVAILABLE"})


@dataclass(frozen=True, slots=True)
class Succeeded:
    """Every record is handled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """The first records are handled, the one after them failed."""

    handled: int
    """How many, at least 1."""
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """No record counts as handled; this costs an attempt."""

    error: str
    retryable: bool = True
    """False: the handler said that another attempt does not help."""
    is_valid_answer: bool = False
    """Whether the handler named the first record as failed: processing works, the record does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The handler did not get to the batch; this costs no attempt."""

    problem: str
    error: str
    retry_after_seconds: float | None = None
    is_break: bool = False
    """Whether a working connection broke: free only FREE_BREAKS_MAX times."""


Outcome = Succeeded | Progressed | Failed | Held


def judge(answer: Answer, batch: Batch, *, shard_index: int, obeys_failures: bool, breaks: int) -> Outcome:
    """What the answer means. `breaks` counts the broken calls that this batch was forgiven."""
    if isinstance(answer, CallFailed):
        return _judge_failed_call(answer, breaks=breaks)
    if answer.error is not None:
        error = _text(answer.error.type, answer.error.message)
        return Failed(error=error or "the handler said that the batch failed", retryable=answer.error.retryable)
    if not answer.failures or not obeys_failures:
        return Succeeded()
    return _judge_failures(answer, batch, shard_index=shard_index)


def error_of(outcome: Outcome) -> str:
    """What went wrong; empty when nothing did."""
    return "" if isinstance(outcome, Succeeded) else outcome.error


def _judge_failed_call(failed: CallFailed, *, breaks: int) -> Outcome:
    error = _text(failed.code, failed.message)
    if failed.code in _BUSY and failed.retry_after_seconds is not None:
        problem = "the handler asks to wait"
        return Held(problem=problem, error=error, retry_after_seconds=failed.retry_after_seconds)
    if failed.code in _REFUSALS:
        return Held(problem=f"the handler refuses the call: {failed.code}", error=error)
    if failed.code != "UNAVAILABLE":
        return Failed(error=error)
    if not failed.began_ready:
        problem = failed.message[:ERROR_LENGTH_MAX] or "the handler cannot be reached"
        return Held(problem=problem, error=error)
    if breaks < FREE_BREAKS_MAX:
        return Held(problem="the connection to the handler broke", error=error, is_break=True)
    return Failed(error=error)


def _judge_failures(answer: Answered, batch: Batch, *, shard_index: int) -> Outcome:
    lowest = batch.last
    for failure in answer.failures:
        parsed = names.parse_sequence_number(failure or "")
        if parsed is None or parsed[1] != shard_index or batch.index_of(parsed[0]) is None:
            return Failed(error="a batch item failure names no record of the batch")
        lowest = min(lowest, parsed[0])
    error = f"record {names.sequence_number(lowest, shard_index)} failed"
    handled = batch.count_up_to(lowest - 1)
    return Progressed(handled=handled, error=error) if handled else Failed(error=error, is_valid_answer=True)


def _text(kind: str, message: str) -> str:
    return f"{kind}: {message}"[:ERROR_LENGTH_MAX] if kind and message else (kind or message)[:ERROR_LENGTH_MAX]
