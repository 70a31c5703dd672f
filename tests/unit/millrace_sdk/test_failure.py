from __future__ import annotations

import pytest
from millrace_sdk import BatchItemFailure, Record, Unretryable, failure


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_nothing_returned_means_that_all_are_handled() -> None:
    assert not failure.answer_to(None).batch_item_failures
    assert not failure.answer_to([]).batch_item_failures


def test_a_failed_record_is_named_by_number_by_itself_or_with_a_message() -> None:
    failures = ["1", Record.of(b"", sequence_number="2"), BatchItemFailure("3", "no such customer")]

    answer = failure.answer_to(failures)

    said = [(each.sequence_number, each.message) for each in answer.batch_item_failures]
    assert said == [("1", ""), ("2", ""), ("3", "no such customer")]


@pytest.mark.parametrize("returned", ["1", b"1", {"1": 2}, 7, True, [1], [None]])
def test_anything_else_is_a_type_error(returned: object) -> None:
    with pytest.raises(TypeError):
        failure.answer_to(returned)


def test_a_coroutine_from_a_plain_function_is_named_as_the_mistake() -> None:
    async def nothing() -> None: ...

    with pytest.raises(TypeError, match="async def"):
        failure.answer_to(nothing())


def test_an_exception_says_its_type_its_message_and_where() -> None:
    try:
        raise ValueError("no such customer")
    except ValueError as error:
        said = failure.answer_to_error(error).error

    assert (said.type, said.message) == ("ValueError", "no such customer")
    assert "test_failure.py" in said.stack_trace
    assert not said.HasField("retryable")


def test_an_unretryable_exception_discards_the_batch() -> None:
    said = failure.answer_to_error(Unretryable("poison")).error

    assert said.HasField("retryable")
    assert not said.retryable


def test_an_exception_that_cannot_be_put_in_words_is_answered_all_the_same() -> None:
    assert failure.answer_to_error(Unspeakable()).error.type == "Unspeakable"
    assert failure.answer_to_error(ValueError("\udc80")).error.message == "?"


def test_what_is_said_has_bounds() -> None:
    said = failure.answer_to_error(ValueError("x" * 100_000)).error

    assert len(said.message) == failure.MESSAGE_CHARACTERS_MAX
