"""The checker itself: it says nothing of a good history, and catches every planted fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import checker
from tests.support.history import Invocation, Puts

SHARD = "shardId-000000000000"
Log = dict[str, list[tuple[str, str]]]
History = tuple[Puts, list[Invocation], Log]


def number(index: int) -> str:
    return f"{index:030d}"


def call(*indexes: int, epoch: int = 1, ok: bool = True) -> Invocation:
    numbers, data = [number(index) for index in indexes], [f"r{index}" for index in indexes]
    return Invocation(f"i{indexes}", SHARD, 1, epoch, numbers, data, started=0.0, ended=1.0, ok=ok)


def good() -> History:
    """Six records, a crash after the second batch: it comes again, the first one does not."""
    stored = {f"r{index}": (SHARD, number(index)) for index in range(6)}
    calls = [call(0, 1), call(2, 3, ok=False), call(2, 3, epoch=2), call(4, 5, epoch=2)]
    return Puts(stored=stored), calls, {SHARD: [(number(index), f"r{index}") for index in range(6)]}


def test_a_good_history_is_good() -> None:
    assert checker.check(*good()) == []


def loses_a_record(history: History) -> None:
    del history[2][SHARD][3]


def stores_a_record_twice(history: History) -> None:
    history[2][SHARD].append((number(9), "r5"))


def stores_what_nobody_put(history: History) -> None:
    history[2][SHARD].append((number(9), "r9"))


def gives_a_lower_number_later(history: History) -> None:
    history[2][SHARD].reverse()


def never_delivers_the_last_batch(history: History) -> None:
    history[1].pop()


def delivers_only_in_a_failed_call(history: History) -> None:
    history[1][-1].ok = False


def skips_a_record(history: History) -> None:
    history[1][2:3] = [call(3, epoch=2)]
    history[1][1:2] = [call(3, ok=False)]


def delivers_batches_out_of_order(history: History) -> None:
    history[1][0], history[1][1] = history[1][1], history[1][0]


def delivers_a_batch_out_of_order(history: History) -> None:
    history[1][3].numbers.reverse()


def goes_back_behind_the_checkpoint(history: History) -> None:
    history[1].insert(2, call(0, 1, epoch=2))


def delivers_what_nobody_put(history: History) -> None:
    history[1].append(call(6, 7, epoch=2))


def lets_an_old_epoch_call(history: History) -> None:
    history[1][3].epoch = 1


MUTANTS: list[Callable[[History], None]] = [
    loses_a_record,
    stores_a_record_twice,
    stores_what_nobody_put,
    gives_a_lower_number_later,
    never_delivers_the_last_batch,
    delivers_only_in_a_failed_call,
    skips_a_record,
    delivers_batches_out_of_order,
    delivers_a_batch_out_of_order,
    goes_back_behind_the_checkpoint,
    delivers_what_nobody_put,
    lets_an_old_epoch_call,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_fault_is_caught(mutant: Callable[[History], None]) -> None:
    history = good()

    mutant(history)

    assert checker.check(*history)
