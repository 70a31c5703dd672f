"""What a shard's machine counts, for those who watch."""

from mapping_service.core.answer import Answered, CallFailed, InBandError
from mapping_service.core.moment import Moment
from mapping_service.core.names import first_number_at
from mapping_service.core.policy import Policy
from mapping_service.core.shard_events import MissedRange, RecordsRead
from mapping_service.core.tally import NOTHING, Tally
from tests.support.shard_driver import NOW_MILLIS, ShardDriver, failures

AWAY = CallFailed(code="UNAVAILABLE", message="bill cannot be reached", began_ready=False)


def test_records_that_are_handled_count_as_delivered() -> None:
    driver = ShardDriver(Policy(batch_size=2), [1, 2, 3], handle=lambda numbers: Answered())

    assert driver.machine.tally == Tally(delivered=3, succeeded=2)


def test_a_partial_answer_delivers_the_records_before_the_failed_one() -> None:
    driver = ShardDriver(Policy(report_batch_item_failures=True), [1, 2, 3])
    driver.answer(failures(3))

    assert driver.machine.tally == Tally(delivered=2, partial=1)


def test_a_batch_that_fails_for_ever_is_split_retried_discarded_and_its_dead_letter_counted() -> None:
    policy = Policy(bisect_batch_on_function_error=True, maximum_retry_attempts=1)
    bad = Answered(error=InBandError(type="Bad"))
    driver = ShardDriver(policy, [1, 2], handle=lambda numbers: bad if 2 in numbers else Answered())
    driver.pass_time(600)

    assert driver.machine.tally == Tally(
        delivered=1, succeeded=1, failed=3, bisections=1, retries=1, exhausted=1, dead_letters=1
    )


def test_a_handler_that_is_away_is_held_and_retried_but_fails_nothing() -> None:
    driver = ShardDriver(Policy(), [1])
    driver.answer(AWAY)

    assert driver.machine.tally == Tally(held=1, retries=1)


def test_records_that_are_too_old_count_as_expired() -> None:
    old = first_number_at(NOW_MILLIS - 120_000)
    driver = ShardDriver(Policy(maximum_record_age_seconds=60), [old, old + 1])

    assert driver.machine.tally == Tally(expired=2, dead_letters=1)


def test_the_oldest_record_that_is_not_settled_tells_how_long_it_waited() -> None:
    number = first_number_at(NOW_MILLIS - 5_000)
    driver = ShardDriver(Policy(), [number])
    waiting = driver.machine.waited_millis(driver.moment())
    driver.answer(AWAY)
    later = Moment(monotonic=1, service_millis=NOW_MILLIS + 1_000, random=0.5)
    failing = driver.machine.waited_millis(later)
    driver.pass_time(60)
    driver.answer(Answered())

    assert (waiting, failing) == (5_000, 6_000)
    assert driver.machine.waited_millis(driver.moment()) == 0


def test_tallies_are_added_field_by_field() -> None:
    assert Tally(delivered=1, missed=2).plus(Tally(delivered=3, held=1)) == Tally(delivered=4, missed=2, held=1)
    assert NOTHING.plus(NOTHING) == NOTHING


def test_missed_records_are_counted_by_what_the_stream_service_says() -> None:
    driver = ShardDriver(Policy())
    driver.reads_at_once = False
    driver.put(9)
    missed = MissedRange(after=0, until=8, count=5)
    driver.step(RecordsRead(page=None, position=8, behind_millis=0, missed=missed))

    assert driver.machine.tally.missed == 5
