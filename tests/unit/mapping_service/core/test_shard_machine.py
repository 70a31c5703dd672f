"""What a shard's machine does, step by step. The traces are those that AWS was seen to make."""

from mapping_service.core import names
from mapping_service.core.answer import Answered, CallFailed, InBandError
from mapping_service.core.dead_letter import Condition
from mapping_service.core.policy import Policy
from mapping_service.core.shard_events import (
    CancelInvoke,
    CheckpointFailed,
    LeaseAdopted,
    LeaseWasLost,
    MappingChanged,
    MissedRange,
    Phase,
    Read,
    ReadFailed,
    RecordsRead,
    Report,
    ReportMissed,
    Stopped,
    StopReason,
    StopRequested,
    Woken,
)
from tests.support.records import numbers_in
from tests.support.shard_driver import NOW_MILLIS, Handle, ShardDriver, failures

AWAY = CallFailed(code="UNAVAILABLE", message="bill cannot be reached", began_ready=False)
BROKEN = CallFailed(code="INTERNAL", message="boom")


def raising(*bad: int) -> Handle:
    """A handler that fails a batch with any of these records."""
    return lambda numbers: Answered(error=InBandError(type="Bad")) if set(bad) & set(numbers) else Answered()


def reporting(*bad: int) -> Handle:
    """A handler that names these records as failed."""
    return lambda numbers: failures(*[number for number in numbers if number in bad])


def old(number: int, *, seconds: float) -> int:
    """The number of a record that arrived so long ago."""
    return names.first_number_at(NOW_MILLIS - round(seconds * 1000)) + number


def test_everything_that_one_read_brought_goes_at_once_up_to_the_batch_size() -> None:
    driver = ShardDriver(Policy(batch_size=2), [1, 2, 3, 4, 5], handle=raising())

    assert driver.batches == [[1, 2], [3, 4], [5]]
    assert [store.checkpoint for store in driver.stored] == [2, 4, 5]
    assert all(store.state is None for store in driver.stored)
    assert driver.is_armed


def test_one_batch_is_in_flight_and_the_next_page_is_read_ahead() -> None:
    driver = ShardDriver(Policy(batch_size=2), [1, 2])
    driver.put(3)

    assert driver.batches == [[1, 2]]
    assert driver.reads[-1].after == 2
    assert driver.machine.phase == Phase.INVOKING


def test_the_next_batch_waits_for_the_checkpoint() -> None:
    driver = ShardDriver(Policy(batch_size=1), [1, 2])
    driver.stores_at_once = False

    driver.answer()

    assert (driver.batches, [store.checkpoint for store in driver.stored]) == ([[1]], [1])


def test_bisect_isolates_the_bad_record_and_discards_it_alone() -> None:
    policy = Policy(maximum_retry_attempts=1, bisect_batch_on_function_error=True)
    driver = ShardDriver(policy, [1, 2, 3, 4], handle=raising(2))
    driver.pass_time(1)

    assert driver.batches == [[1, 2, 3, 4], [1, 2], [1], [2], [2], [3, 4]]
    (letter,) = [letter for store in driver.stored for letter in store.dead_letters]
    assert (letter.first, letter.last, letter.count, letter.attempts) == (2, 2, 1, 2)
    assert letter.condition == Condition.RETRY_ATTEMPTS_EXHAUSTED
    assert driver.stored[-1].checkpoint == 4


def test_bisect_splits_also_where_nothing_may_be_retried() -> None:
    policy = Policy(maximum_retry_attempts=0, bisect_batch_on_function_error=True)
    driver = ShardDriver(policy, [1, 2, 3], handle=raising(3))

    assert driver.batches == [[1, 2, 3], [1], [2, 3], [2], [3]]
    assert [letter.first for store in driver.stored for letter in store.dead_letters] == [3]


def test_a_batch_item_failure_without_bisect_takes_the_rest_of_the_batch_with_it() -> None:
    policy = Policy(maximum_retry_attempts=1, report_batch_item_failures=True)
    driver = ShardDriver(policy, [1, 2, 3, 4], handle=reporting(2))
    driver.pass_time(1)

    assert driver.batches == [[1, 2, 3, 4], [2, 3, 4], [2, 3, 4]]
    (letter,) = driver.stored[-1].dead_letters
    assert (numbers_in(letter.payload), letter.attempts) == ([2, 3, 4], 2)


def test_progress_comes_before_bisect() -> None:
    policy = Policy(maximum_retry_attempts=1, report_batch_item_failures=True, bisect_batch_on_function_error=True)
    driver = ShardDriver(policy, [1, 2, 3, 4], handle=reporting(2))
    driver.pass_time(1)

    assert driver.batches == [[1, 2, 3, 4], [2, 3, 4], [2], [2], [3, 4]]


def test_progress_gives_the_rest_all_its_attempts() -> None:
    policy = Policy(batch_size=3, maximum_retry_attempts=3, report_batch_item_failures=True)
    driver = ShardDriver(policy, [1, 2, 3, 4, 5, 6], handle=reporting(6))
    driver.pass_time(10)

    assert driver.batches == [[1, 2, 3], [4, 5, 6], [6], [6], [6], [6]]
    assert driver.stored[-1].dead_letters[0].attempts == 4
    assert [invoke.attempt for invoke in driver.sent] == [1, 1, 1, 2, 3, 4]


def test_the_same_batch_keeps_its_invocation_id_and_a_part_of_it_gets_a_new_one() -> None:
    policy = Policy(maximum_retry_attempts=1, report_batch_item_failures=True)
    driver = ShardDriver(policy, [1, 2], handle=reporting(2))
    driver.pass_time(1)

    whole, part, again = [invoke.invocation_id for invoke in driver.sent]
    assert (part, whole != part) == (again, True)


def test_failures_are_ignored_unless_the_mapping_asks_for_them() -> None:
    driver = ShardDriver(Policy(), [1, 2], handle=reporting(1))

    assert (driver.batches, driver.stored[-1].checkpoint) == ([[1, 2]], 2)


def test_an_error_that_is_not_retryable_discards_the_whole_batch() -> None:
    hopeless = Answered(error=InBandError(type="Schema", message="unknown", retryable=False))
    driver = ShardDriver(Policy(bisect_batch_on_function_error=True), [1, 2], handle=lambda numbers: hopeless)

    (letter,) = driver.stored[-1].dead_letters
    assert (driver.batches, letter.attempts, letter.last_error) == ([[1, 2]], 1, "Schema: unknown")
    assert letter.condition == Condition.RETRY_ATTEMPTS_EXHAUSTED


def test_a_batch_in_back_off_gives_up_its_bytes_and_is_read_again_d4() -> None:
    driver = ShardDriver(Policy(batch_size=2), [1, 2, 3])
    driver.answer(BROKEN)

    assert (driver.machine.held_bytes, driver.machine.phase) == (0, Phase.BACKING_OFF)
    assert not driver.is_armed
    driver.pass_time(1)
    assert driver.batches == [[1, 2], [1, 2]]
    assert driver.reads[-1] == Read(after=0, upto=2, limit_records=2, limit_bytes=6 * 1024 * 1024)
    driver.answer()
    assert driver.batches[-1] == [3]


def test_a_large_batch_is_read_again_in_as_many_reads_as_it_takes() -> None:
    driver = ShardDriver(Policy(), [1, 2, 3])
    driver.reads_at_once = False
    driver.answer(BROKEN)
    driver.pass_time(1)

    for number in (1, 2, 3):
        whole = driver.read_answer(Read(after=number - 1, upto=number, limit_records=1, limit_bytes=1))
        driver.step(whole)

    assert driver.batches == [[1, 2, 3], [1, 2, 3]]


def test_back_off_doubles_and_has_a_cap() -> None:
    driver = ShardDriver(Policy(), [1])
    driver.random = 0.999
    waits = []
    for _ in range(12):
        driver.answer(BROKEN)
        waits.append(driver.timers["retry"] - driver.seconds)
        driver.pass_time(60)

    assert [round(wait, 1) for wait in waits[:4]] == [0.2, 0.4, 0.8, 1.6]
    assert 59 < waits[-1] <= 60


def test_what_is_free_costs_no_attempt_d1() -> None:
    driver = ShardDriver(Policy(maximum_retry_attempts=0), [1])
    for _ in range(20):
        driver.answer(AWAY)
        driver.pass_time(5)

    assert {invoke.attempt for invoke in driver.sent} == {1}
    assert driver.stored == []
    assert driver.reports[-1].result == "PROBLEM: bill cannot be reached"


def test_the_third_broken_call_costs_an_attempt_d1() -> None:
    driver = ShardDriver(Policy(maximum_retry_attempts=0), [1])
    for _ in range(3):
        driver.answer(CallFailed(code="UNAVAILABLE", message="reset"))
        driver.pass_time(5)

    assert driver.batches == [[1], [1], [1]]
    assert driver.stored[-1].dead_letters[0].attempts == 1


def test_a_handler_that_asks_to_wait_is_left_alone_for_so_long() -> None:
    driver = ShardDriver(Policy(), [1])
    driver.answer(CallFailed(code="RESOURCE_EXHAUSTED", retry_after_seconds=30))

    driver.pass_time(29.9)
    assert len(driver.sent) == 1
    driver.pass_time(1)
    assert len(driver.sent) == 2


def test_attempts_the_split_and_the_back_off_survive_a_restart_k4() -> None:
    policy = Policy(maximum_retry_attempts=2, bisect_batch_on_function_error=True)
    driver = ShardDriver(policy, [1, 2, 3, 4])
    for _ in range(3):
        driver.answer(BROKEN)
    row = driver.stored[-1]
    before = driver.sent[-1]

    restarted = ShardDriver(policy, [1, 2, 3, 4], checkpoint=row.checkpoint, state=row.state, handle=raising(1))
    assert restarted.sent == []
    restarted.pass_time(10)

    assert restarted.batches == [[1], [1], [2], [3, 4]]
    assert [invoke.attempt for invoke in restarted.sent] == [2, 3, 1, 1]
    assert restarted.sent[0].invocation_id == before.invocation_id


def test_an_attempt_under_way_at_a_crash_does_not_count_k4() -> None:
    driver = ShardDriver(Policy(), [1, 2])

    assert (driver.batches, driver.stored) == ([[1, 2]], [])


def test_a_replay_after_a_seek_has_new_invocation_ids_k4() -> None:
    driver = ShardDriver(Policy(), [1])
    driver.step(LeaseAdopted(checkpoint=0, state=None, generation=1))

    first, second = driver.sent
    assert CancelInvoke() in driver.others
    assert first.invocation_id != second.invocation_id


def test_an_unknown_outcome_continues_from_the_row_k1() -> None:
    driver = ShardDriver(Policy(batch_size=1), [1, 2, 3])
    driver.stores_at_once = False
    driver.answer()

    driver.step(LeaseAdopted(checkpoint=1, state=None, generation=0))

    assert driver.batches == [[1], [2]]


def test_a_lost_lease_cancels_the_call_and_stops_k1() -> None:
    driver = ShardDriver(Policy(), [1])
    driver.step(LeaseWasLost())

    assert driver.others == [CancelInvoke(), Stopped(reason=StopReason.LEASE_LOST)]
    driver.answer()
    assert (driver.stored, driver.machine.held_bytes) == ([], 0)


def test_a_record_that_is_too_old_is_cut_out_and_the_rest_is_delivered() -> None:
    numbers = [old(1, seconds=60), old(2, seconds=59.9)]
    driver = ShardDriver(Policy(maximum_record_age_seconds=60), numbers, handle=raising())

    assert driver.batches == [[numbers[1]]]
    (letter,) = driver.stored[0].dead_letters
    assert (letter.first, letter.count, letter.attempts) == (numbers[0], 1, 0)
    assert letter.condition == Condition.RECORD_AGE_EXCEEDED


def test_age_is_checked_before_each_attempt() -> None:
    numbers = [old(1, seconds=58), old(2, seconds=0)]
    driver = ShardDriver(Policy(maximum_record_age_seconds=60), numbers)
    driver.answer(CallFailed(code="UNAVAILABLE", retry_after_seconds=5))
    driver.pass_time(6)

    assert driver.batches == [numbers, numbers[1:]]
    assert driver.stored[-1].dead_letters[0].first == numbers[0]


def test_a_backlog_of_old_records_is_discarded_in_large_pieces() -> None:
    numbers = [old(number, seconds=100) for number in range(1000)]
    driver = ShardDriver(Policy(maximum_record_age_seconds=60), numbers)

    assert [letter.count for store in driver.stored for letter in store.dead_letters] == [1000]
    assert driver.sent == []


def test_a_window_waits_for_a_full_batch() -> None:
    driver = ShardDriver(Policy(batch_size=2, batching_window_seconds=5), [1, 2, 3, 4, 5], handle=raising())

    assert driver.batches == [[1, 2], [3, 4]]
    assert driver.machine.phase == Phase.FILLING_BATCH
    driver.pass_time(4.9)
    assert len(driver.batches) == 2
    driver.pass_time(0.2)
    assert driver.batches[-1] == [5]


def test_a_new_window_starts_at_the_first_record_after_a_quiet_time() -> None:
    driver = ShardDriver(Policy(batching_window_seconds=5), [1], handle=raising())
    driver.pass_time(5)
    driver.pass_time(60)
    driver.put(2)
    driver.pass_time(4)
    driver.put(3)

    assert driver.batches == [[1]]
    driver.pass_time(1.1)
    assert driver.batches == [[1], [2, 3]]


def test_the_end_of_a_shard_does_not_wait_for_the_window() -> None:
    driver = ShardDriver(Policy(batching_window_seconds=300), [1], handle=raising())
    driver.is_closed = True
    driver.put()

    assert driver.batches == [[1]]
    assert (driver.stored[-1].ended, driver.others[-1]) == (True, Stopped(reason=StopReason.ENDED))
    assert driver.machine.phase == Phase.DONE


def test_a_failing_batch_holds_up_the_end_of_its_shard() -> None:
    driver = ShardDriver(Policy(batch_size=1), [1, 2])
    driver.is_closed = True
    driver.answer(BROKEN)

    assert not any(store.ended for store in driver.stored)


def test_stop_waits_for_the_answer_and_its_checkpoint() -> None:
    driver = ShardDriver(Policy(batch_size=1), [1, 2])
    driver.step(StopRequested())
    assert driver.others == []

    driver.answer()

    assert driver.stored[-1].checkpoint == 1
    assert (driver.batches, driver.others) == ([[1]], [Stopped(reason=StopReason.REQUESTED)])


def test_stop_does_not_wait_for_a_back_off() -> None:
    driver = ShardDriver(Policy(), [1])
    driver.answer(BROKEN)
    driver.step(StopRequested())

    assert driver.others == [Stopped(reason=StopReason.REQUESTED)]
    assert driver.timers == {}


def test_a_checkpoint_that_is_not_stored_is_stored_again() -> None:
    driver = ShardDriver(Policy(), [1])
    driver.stores_at_once = False
    driver.answer()
    driver.step(CheckpointFailed(problem="the disk is full"))
    assert driver.reports[-1].problem == "the disk is full"

    driver.stores_at_once = True
    driver.pass_time(5)

    assert driver.stored[0] == driver.stored[1]
    assert driver.reports[-1] == Report(result="OK", problem=None)


def test_a_failed_read_is_reported_and_read_again() -> None:
    driver = ShardDriver(Policy())
    driver.reads_at_once = False
    driver.step(Woken(reason="grown"))
    driver.step(ReadFailed(problem="stream orders not found", retryable=False))
    assert driver.reports[-1].problem == "stream orders not found"

    driver.numbers, driver.reads_at_once = [1], True
    driver.pass_time(1)

    assert driver.reports[-1].problem is None
    assert driver.batches == [[1]]


def test_damaged_records_are_never_skipped() -> None:
    driver = ShardDriver(Policy())
    driver.reads_at_once = False
    driver.step(Woken(reason="grown"))
    for _ in range(10):
        driver.step(ReadFailed(problem="records are damaged", retryable=False, data_loss=True))
        driver.pass_time(60)

    assert {read.after for read in driver.reads} == {0}
    assert driver.stored == []


def test_a_gap_is_reported_and_passed_by_a_checkpoint_d6() -> None:
    driver = ShardDriver(Policy())
    driver.reads_at_once = False
    missed = MissedRange(after=0, until=50, count=12)
    driver.step(Woken(reason="trimmed"))
    driver.step(RecordsRead(page=None, position=50, behind_millis=0, missed=missed))

    assert driver.others == [ReportMissed(missed=missed)]
    assert [store.checkpoint for store in driver.stored] == [50]


def test_a_gap_in_front_of_a_failing_batch_leaves_the_rest_of_it_k4() -> None:
    driver = ShardDriver(Policy(), [1, 2, 3])
    driver.answer(BROKEN)
    driver.reads_at_once = False
    driver.pass_time(1)
    answer = driver.read_answer(Read(after=2, upto=3, limit_records=3, limit_bytes=100))
    missed = MissedRange(after=0, until=2, count=2)
    driver.step(RecordsRead(page=answer.page, position=3, behind_millis=0, missed=missed))

    assert (driver.batches[-1], driver.sent[-1].attempt) == ([3], 2)


def test_a_failing_batch_that_is_trimmed_is_given_up() -> None:
    driver = ShardDriver(Policy(), [1, 2, 3])
    driver.answer(BROKEN)
    driver.reads_at_once = False
    driver.pass_time(1)
    missed = MissedRange(after=0, until=9, count=3)
    driver.step(RecordsRead(page=None, position=9, behind_millis=0, missed=missed))

    assert (driver.stored[-1].checkpoint, driver.stored[-1].state) == (9, None)
    assert driver.reads[-1].after == 9


def test_an_answer_without_the_failing_batch_does_not_pass_it_by() -> None:
    driver = ShardDriver(Policy(), [1])
    driver.answer(BROKEN)
    driver.reads_at_once = False
    driver.pass_time(1)
    driver.step(RecordsRead(page=None, position=0, behind_millis=0))

    assert (driver.machine.checkpoint, driver.machine.attempts) == (0, 1)
    driver.reads_at_once = True
    driver.pass_time(5)
    assert driver.batches == [[1], [1]]


def test_new_knobs_hold_from_the_next_batch() -> None:
    driver = ShardDriver(Policy(batch_size=1), [1, 2, 3])
    driver.step(MappingChanged(policy=Policy(batch_size=2)))
    driver.answer()

    assert driver.batches == [[1], [2, 3]]


def test_a_watch_that_answers_for_nothing_makes_no_busy_loop() -> None:
    driver = ShardDriver(Policy())
    for _ in range(100):
        if driver.is_armed:
            driver.put()

    assert len(driver.reads) < 10
    driver.pass_time(1)
    assert driver.is_armed


def test_an_idle_shard_asks_for_nothing() -> None:
    driver = ShardDriver(Policy(), [1], handle=raising())
    reads = len(driver.reads)
    driver.pass_time(3600)

    assert (len(driver.reads), driver.timers, driver.is_armed) == (reads, {}, True)


def test_the_result_is_told_only_when_it_changes() -> None:
    driver = ShardDriver(Policy(batch_size=1), [1, 2, 3, 4], handle=raising(4))

    assert [report.result for report in driver.reports] == ["OK", "PROBLEM: handler call failed"]


def test_a_valid_partial_answer_is_ok() -> None:
    policy = Policy(report_batch_item_failures=True, maximum_retry_attempts=0)
    driver = ShardDriver(policy, [1, 2], handle=reporting(1))

    assert [report.result for report in driver.reports] == ["OK"]
