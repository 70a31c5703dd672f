"""The checker itself: it says nothing of a good history, and catches every planted fault."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support import checker
from tests.support.checker import Record
from tests.support.history import Invocation, Puts

SHARD = "shardId-000000000000"
Log = dict[str, list[Record]]
History = tuple[Puts, list[Invocation], Log]


def number(index: int) -> str:
    return f"{index:030d}"


def call(*indexes: int, epoch: int = 1, attempt: int = 1, settled: int | None = None, cut: bool = False) -> Invocation:
    """A call that settles all of it, or as many as said."""
    numbers, data = [number(index) for index in indexes], [f"r{index}" for index in indexes]
    done = 0 if cut else len(indexes) if settled is None else settled
    return Invocation(
        f"i{indexes[0]}-{indexes[-1]}", SHARD, attempt, epoch, numbers, data, 0.0, 0.0, settled=done, was_cut_off=cut
    )


def with_calls(*calls: Invocation) -> History:
    """Six records, put one after the other, and these calls, one after the other."""
    puts = Puts()
    for index in range(6):
        puts.stored[f"r{index}"] = (SHARD, number(index))
        puts.times[f"r{index}"] = (index, index + 0.5)
    for place, each in enumerate(calls):
        each.started, each.ended = float(place), place + 0.5
    return puts, list(calls), {SHARD: [(number(index), f"r{index}") for index in range(6)]}


def good() -> History:
    """A crash in the second batch: it comes again, and the first one does not."""
    return with_calls(call(0, 1), call(2, 3, cut=True), call(2, 3, epoch=2), call(4, 5, epoch=2))


def test_a_good_history_is_good() -> None:
    assert checker.check(*good()) == []


GOOD = {
    "a crash between the answer and the checkpoint": [
        *(call(0, 1), call(2, 3), call(2, 3, epoch=2, attempt=1), call(4, 5, epoch=2))
    ],
    "the batch after a crash is another one": [call(0, 1, 2), call(0, 1, epoch=2), call(2, 3, 4, 5, epoch=2)],
    "crash after crash": [call(0, 1, 2, 3), call(0, 1, epoch=2, cut=True), call(0, 1, 2, 3, 4, 5, epoch=3)],
    "a batch fails twice": [
        *(call(0, 1, 2, 3, settled=0), call(0, 1, 2, 3, attempt=2, settled=0)),
        *(call(0, 1, 2, 3, attempt=3), call(4, 5)),
    ],
    "a partial answer": [call(0, 1, 2, 3, settled=2), call(2, 3, settled=0), call(2, 3, attempt=2), call(4, 5)],
    "the call at the crash costs no attempt": [
        *(call(0, 1, settled=0), call(0, 1, attempt=2, cut=True), call(0, 1, epoch=2, attempt=2)),
        call(2, 3, 4, 5, epoch=2),
    ],
    "the handler was killed in a call": [call(0, 1, cut=True), call(0, 1), call(2, 3, 4, 5)],
    "the outcome before the crash was not stored": [
        *(call(0, 1, settled=0), call(0, 1, epoch=2), call(2, 3, 4, 5, epoch=2))
    ],
}


@pytest.mark.parametrize("calls", GOOD.values(), ids=GOOD.keys())
def test_what_crashes_and_failures_bring_about_is_good(calls: list[Invocation]) -> None:
    assert checker.check(*with_calls(*(replace(each) for each in calls))) == []


def test_a_discarded_record_need_not_be_delivered() -> None:
    history = with_calls(
        call(0, 1, 2, settled=0), call(0), call(1, 2, settled=0), call(1, settled=0), call(2), call(3, 4, 5)
    )

    assert checker.check(*history, discarded={"r1"}) == []
    assert checker.check(*history)


@pytest.mark.parametrize("seed", range(200))
def test_an_owner_that_crashes_anywhere_is_good(seed: int) -> None:
    assert checker.check(*with_calls(*_deliver_with_crashes(random.Random(seed)))) == []


def _deliver_with_crashes(chance: random.Random) -> list[Invocation]:
    checkpoint, epoch, calls = 0, 1, list[Invocation]()
    while checkpoint < 6:
        end = chance.randint(checkpoint + 1, 6)
        batch = range(checkpoint, end)
        match chance.choice(["well", "cut off", "answer lost"]):
            case "well":
                calls.append(call(*batch, epoch=epoch))
                checkpoint = end
            case "cut off":
                calls.append(call(*batch, epoch=epoch, cut=True))
                epoch += 1
            case _:
                calls.append(call(*batch, epoch=epoch))
                epoch += 1
    return calls


def loses_a_record(history: History) -> None:
    del history[2][SHARD][3]


def loses_the_last_record(history: History) -> None:
    del history[2][SHARD][5]
    history[1][-1] = call(4, epoch=2)


def moves_a_record(history: History) -> None:
    history[2][SHARD][5] = (number(6), "r5")
    history[1][-1].numbers[1] = number(6)


def stores_a_record_twice(history: History) -> None:
    history[2][SHARD].append((number(9), "r5"))


def stores_and_delivers_a_record_twice(history: History) -> None:
    history[0].stored["r5"] = (SHARD, number(6))
    history[2][SHARD].append((number(6), "r5"))
    history[1].append(replace(call(6, epoch=2), data=["r5"]))


def stores_what_nobody_put(history: History) -> None:
    history[2][SHARD].append((number(9), "r9"))


def stores_what_was_refused(history: History) -> None:
    del history[0].stored["r5"]


def gives_a_lower_number_later(history: History) -> None:
    history[2][SHARD].reverse()


def stores_and_delivers_against_the_numbers(history: History) -> None:
    history[0].times.clear()
    history[2][SHARD][4:] = reversed(history[2][SHARD][4:])
    history[1][3] = call(5, 4, epoch=2)


def numbers_against_time(history: History) -> None:
    history[0].times["r2"] = (9.0, 9.5)


def never_delivers_the_last_batch(history: History) -> None:
    history[1].pop()


def delivers_only_in_a_failed_call(history: History) -> None:
    history[1][-1].settled = 0


def skips_a_record(history: History) -> None:
    history[1][1:3] = [call(3, cut=True), call(3, epoch=2)]


def skips_a_record_of_which_the_producer_knows_nothing(history: History) -> None:
    del history[0].stored["r3"]
    history[0].unknown.add("r3")
    history[1][1:3] = [call(2, cut=True), call(2, epoch=2)]


def skips_a_record_within_a_batch(history: History) -> None:
    history[1][3] = call(5, epoch=2)
    history[1][2] = call(2, 3, 4, epoch=2)
    del history[1][2].numbers[1], history[1][2].data[1]


def goes_on_after_a_failure(history: History) -> None:
    history[1][1:] = [call(2, 3, settled=0), call(4, 5), call(2, 3, attempt=2)]


def takes_a_crash_for_success(history: History) -> None:
    history[1][2:] = [call(4, 5, epoch=2), call(2, 3, epoch=2)]


def delivers_batches_out_of_order(history: History) -> None:
    history[1][0], history[1][1] = history[1][1], history[1][0]


def delivers_a_batch_out_of_order(history: History) -> None:
    history[1][3].numbers.reverse()
    history[1][3].data.reverse()


def mixes_up_the_data(history: History) -> None:
    history[1][3].data.reverse()


def goes_back_behind_the_checkpoint(history: History) -> None:
    history[1].insert(2, call(0, 1, epoch=2))


def goes_back_further_at_the_next_crash(history: History) -> None:
    history[1][2:] = [call(2, epoch=2), call(3, epoch=2), call(2, 3, epoch=3), call(4, 5, epoch=3)]


def goes_back_into_the_middle(history: History) -> None:
    history[1][1:3] = [call(2, 3), call(3, epoch=2)]


def repeats_what_was_settled(history: History) -> None:
    history[1].insert(1, call(0, 1, attempt=2))


def sends_an_empty_batch(history: History) -> None:
    history[1].insert(1, Invocation("i", SHARD, 1, 1, [], [], 0.5, 0.6))


def sends_two_batches_at_once(history: History) -> None:
    history[1][2].ended = history[1][3].started + 0.1


def delivers_what_nobody_put(history: History) -> None:
    history[1].append(call(6, 7, epoch=2))


def delivers_to_another_shard(history: History) -> None:
    history[1][0].shard = "shardId-000000000001"


def lets_an_old_epoch_call(history: History) -> None:
    history[1][3].epoch = 1


def counts_the_crash_as_an_attempt(history: History) -> None:
    history[1][2].attempt = 2


def forgets_the_attempts(history: History) -> None:
    history[1][3:] = [call(4, 5, epoch=2, settled=0), call(4, 5, epoch=2)]


def begins_at_the_second_attempt(history: History) -> None:
    history[1][0].attempt = 2


MUTANTS: list[Callable[[History], None]] = [
    *(stores_and_delivers_a_record_twice, stores_and_delivers_against_the_numbers),
    skips_a_record_of_which_the_producer_knows_nothing,
    *(loses_a_record, loses_the_last_record, moves_a_record, stores_a_record_twice, stores_what_nobody_put),
    *(stores_what_was_refused, gives_a_lower_number_later, numbers_against_time, never_delivers_the_last_batch),
    *(delivers_only_in_a_failed_call, skips_a_record, skips_a_record_within_a_batch, goes_on_after_a_failure),
    *(takes_a_crash_for_success, delivers_batches_out_of_order, delivers_a_batch_out_of_order, mixes_up_the_data),
    *(goes_back_behind_the_checkpoint, goes_back_further_at_the_next_crash, goes_back_into_the_middle),
    *(repeats_what_was_settled, sends_an_empty_batch, sends_two_batches_at_once, delivers_what_nobody_put),
    *(delivers_to_another_shard, lets_an_old_epoch_call, counts_the_crash_as_an_attempt, forgets_the_attempts),
    begins_at_the_second_attempt,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_fault_is_caught(mutant: Callable[[History], None]) -> None:
    history = good()

    mutant(history)

    if mutant not in (sends_two_batches_at_once, numbers_against_time):
        _one_after_the_other(history)
    assert checker.check(*history)


def _one_after_the_other(history: History) -> None:
    """Times that fit the calls, so that it is not for their times that a fault is caught."""
    for place, each in enumerate(history[1]):
        each.started, each.ended = float(place), place + 0.5
