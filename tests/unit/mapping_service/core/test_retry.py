"""Decisions: for any set of failing records, the right ones are handled, the right ones discarded, in order."""

from hypothesis import given
from hypothesis import strategies as st

from mapping_service.core import backoff, retry
from mapping_service.core.answer import Answer, Answered, InBandError
from mapping_service.core.outcome import Failed, Held
from mapping_service.core.policy import Policy
from mapping_service.core.work import Work
from tests.support.records import numbers_in
from tests.support.shard_driver import ShardDriver, failures

WORK = Work(first=1, last=4, count=4)


@given(
    count=st.integers(1, 8),
    bad=st.sets(st.integers(1, 8)),
    retries=st.integers(0, 2),
    reports=st.booleans(),
    raises=st.booleans(),
    batch_size=st.integers(1, 8),
)
def test_bisect_discards_the_bad_records_and_nothing_else(
    count: int, bad: set[int], retries: int, reports: bool, raises: bool, batch_size: int
) -> None:
    def handle(numbers: list[int]) -> Answer:
        failed = [number for number in numbers if number in bad]
        if not failed:
            handled.extend(numbers)
            return Answered()
        if raises:
            return Answered(error=InBandError(type="Bad"))
        handled.extend(number for number in numbers if reports and number < failed[0])
        return failures(*failed)

    handled: list[int] = []
    policy = Policy(
        batch_size=batch_size,
        maximum_retry_attempts=retries,
        bisect_batch_on_function_error=True,
        report_batch_item_failures=reports,
    )
    driver = ShardDriver(policy, range(1, count + 1), handle=handle)
    driver.pass_time(600)

    is_obeyed = raises or reports
    letters = [letter for store in driver.stored for letter in store.dead_letters]
    discarded = [number for letter in letters for number in numbers_in(letter.payload)]
    assert discarded == (sorted(bad & set(range(1, count + 1))) if is_obeyed else [])
    assert handled == [number for number in range(1, count + 1) if number not in bad] if is_obeyed else True
    assert all(letter.attempts == retries + 1 for letter in letters)
    assert driver.machine.checkpoint == count
    assert len(driver.batches) <= 2 * count * (retries + 1)


def test_a_batch_is_sent_once_more_than_it_may_be_retried() -> None:
    policy = Policy(maximum_retry_attempts=2)
    decisions = [
        retry.decide(Failed(error="x"), Work(first=1, last=1, count=1, attempts=attempts), policy, random=0.5)
        for attempts in range(3)
    ]

    assert [isinstance(decision, retry.Discard) for decision in decisions] == [False, False, True]


def test_without_a_limit_a_batch_is_never_discarded() -> None:
    work = Work(first=1, last=1, count=1, attempts=1_000_000)

    assert isinstance(retry.decide(Failed(error="x"), work, Policy(), random=0.5), retry.Retry)


def test_what_is_held_is_never_split_nor_discarded() -> None:
    policy = Policy(maximum_retry_attempts=0, bisect_batch_on_function_error=True)

    decision = retry.decide(Held(problem="away", error="away"), WORK, policy, random=0.5)

    assert decision == retry.Retry(after_seconds=0.1, counts=False)


@given(tries=st.integers(1, 100_000), random=st.floats(0, 1, exclude_max=True))
def test_a_wait_has_a_cap(tries: int, random: float) -> None:
    assert 0 <= backoff.delay_seconds(tries, seconds_max=60, random=random) <= 60
    assert backoff.free_seconds(tries, retry_after_seconds=86_400, random=random) <= 65
