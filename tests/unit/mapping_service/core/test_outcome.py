"""What a handler's answer means."""

import pytest

from mapping_service.core import names, outcome
from mapping_service.core.answer import Answer, Answered, CallFailed, InBandError
from mapping_service.core.outcome import Failed, Held, Outcome, Progressed, Succeeded
from tests.support.records import a_batch

NUMBERS = [10, 20, 30]


def _judge(answer: Answer, *, breaks: int = 0, obeys_failures: bool = True) -> Outcome:
    return outcome.judge(answer, a_batch(NUMBERS), shard_index=3, obeys_failures=obeys_failures, breaks=breaks)


def _named(*numbers: int, shard_index: int = 3) -> Answered:
    return Answered(failures=tuple(names.sequence_number(number, shard_index) for number in numbers))


@pytest.mark.parametrize(
    ("failed", "handled"),
    [
        pytest.param(_named(20), 1, id="second"),
        pytest.param(_named(30, 20, 30), 1, id="lowest of several, twice, unordered"),
        pytest.param(_named(30), 2, id="last"),
    ],
)
def test_the_lowest_failure_is_where_delivery_resumes(failed: Answered, handled: int) -> None:
    result = _judge(failed)

    assert isinstance(result, Progressed)
    assert result.handled == handled


def test_a_failure_of_the_first_record_is_no_progress_but_a_valid_answer() -> None:
    result = _judge(_named(10, 30))

    assert result == Failed(error=f"record {names.sequence_number(10, 3)} failed", is_valid_answer=True)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param("20", id="not a sequence number"),
        pytest.param(names.sequence_number(15, 3), id="between two records"),
        pytest.param(names.sequence_number(40, 3), id="after the batch"),
        pytest.param(names.sequence_number(20, 4), id="of another shard"),
        pytest.param(names.sequence_number(20, 3) + "0", id="31 digits"),
        pytest.param("٠" * 30, id="digits of another script"),
    ],
)
def test_a_failure_that_names_no_record_fails_the_whole_batch(failure: str | None) -> None:
    valid = names.sequence_number(20, 3)

    for failures in ((failure,), (valid, failure)):
        result = _judge(Answered(failures=failures))
        assert isinstance(result, Failed)
        assert not result.is_valid_answer


def test_failures_are_ignored_where_the_mapping_does_not_obey_them() -> None:
    assert _judge(_named(20), obeys_failures=False) == Succeeded()


def test_no_failures_are_success() -> None:
    assert _judge(Answered()) == Succeeded()


def test_an_error_in_band_outweighs_failures() -> None:
    error = InBandError(type="ValueError", message="bad", retryable=False)

    assert _judge(Answered(failures=_named(20).failures, error=error)) == Failed(
        error="ValueError: bad", retryable=False
    )


@pytest.mark.parametrize(
    ("failed", "is_free"),
    [
        pytest.param(CallFailed(code="UNAVAILABLE", began_ready=False), True, id="cannot connect"),
        pytest.param(CallFailed(code="UNAVAILABLE", retry_after_seconds=0.0), True, id="unavailable, asks to wait"),
        pytest.param(CallFailed(code="RESOURCE_EXHAUSTED", retry_after_seconds=1), True, id="busy, asks to wait"),
        pytest.param(CallFailed(code="RESOURCE_EXHAUSTED"), False, id="message too large for it"),
        pytest.param(CallFailed(code="UNAUTHENTICATED"), True, id="unauthenticated"),
        pytest.param(CallFailed(code="PERMISSION_DENIED"), True, id="permission denied"),
        pytest.param(CallFailed(code="UNIMPLEMENTED"), True, id="unimplemented"),
        pytest.param(CallFailed(code="DEADLINE_EXCEEDED"), False, id="timeout"),
        pytest.param(CallFailed(code="DEADLINE_EXCEEDED", began_ready=False), False, id="timeout, first call"),
        pytest.param(CallFailed(code="UNKNOWN"), False, id="exception"),
        pytest.param(CallFailed(code="CANCELLED"), False, id="cancelled by the handler"),
        pytest.param(CallFailed(code="INTERNAL", retry_after_seconds=1), False, id="internal"),
    ],
)
def test_d1_what_costs_an_attempt(failed: CallFailed, is_free: bool) -> None:
    assert isinstance(_judge(failed), Held if is_free else Failed)


def test_d1_two_broken_calls_are_free_for_a_batch() -> None:
    results = [_judge(CallFailed(code="UNAVAILABLE"), breaks=breaks) for breaks in range(3)]

    assert [isinstance(result, Held) for result in results] == [True, True, False]


def test_an_error_is_kept_up_to_a_length() -> None:
    result = _judge(CallFailed(code="INTERNAL", message="x" * 5000))

    assert len(outcome.error_of(result)) == outcome.ERROR_LENGTH_MAX
