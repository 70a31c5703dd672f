from datetime import timedelta

import pytest

from chassis import errors


class OrderNotFound(errors.DomainError):
    """No order of that number exists.

    More words that are not the message.
    """

    reason = "ORDER_NOT_FOUND"
    code = "NOT_FOUND"


def test_the_first_line_of_the_docstring_is_the_default_message() -> None:
    refusal = OrderNotFound()

    assert refusal.message == "No order of that number exists."
    assert str(refusal) == refusal.message
    assert (refusal.metadata, refusal.violations, refusal.retry_after, refusal.resource) == ({}, (), None, None)


def test_a_refusal_carries_its_facts() -> None:
    refusal = OrderNotFound("order 7 is not there", metadata={"order": "7"}, resource=("order", "7"))

    assert (refusal.message, refusal.metadata) == ("order 7 is not there", {"order": "7"})
    assert refusal.resource == errors.Resource("order", "7")


def test_violations_are_raised_all_at_once() -> None:
    violations = errors.Violations()
    violations.add("shard_count", "must be at least 1")
    violations.add("stream_name", "must not be empty")

    with pytest.raises(errors.InvalidArgument) as refused:
        violations.raise_if_any()

    assert [violation.field for violation in refused.value.violations] == ["shard_count", "stream_name"]
    assert refused.value.message == "shard_count: must be at least 1; stream_name: must not be empty"


def test_no_violations_raise_nothing() -> None:
    errors.Violations().raise_if_any()


def test_what_is_not_served_says_so_with_advice() -> None:
    refusal = errors.NotImplementedHere("SplitShard", "create the stream with more shards")

    assert refusal.message == "SplitShard is not served by this version; create the stream with more shards"
    assert (refusal.code, refusal.reason) == ("UNIMPLEMENTED", "NOT_IMPLEMENTED")


@pytest.mark.parametrize(
    "refusal",
    [errors.StorageFull(), errors.Unavailable(), errors.Overloaded(waiting_bytes=2, waiting_bytes_max=1)],
    ids=lambda refusal: type(refusal).__name__,
)
def test_refusals_that_pass_say_when_to_try_again(refusal: errors.DomainError) -> None:
    assert refusal.retry_after is not None
    assert refusal.retry_after > timedelta(0)
