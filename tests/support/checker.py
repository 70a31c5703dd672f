"""Checks a history against what is promised. Answers what is wrong, in words; nothing when all is well.

The rule of delivery, exact enough to leave no room: a batch begins at the first record that is not settled yet. A new
owner (a higher epoch) may also begin where the batch before began: it was answered, and the crash came before its
checkpoint was stored. So nothing is skipped, nothing comes again behind a checkpoint, and nothing comes again for no
reason.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from tests.support.history import Invocation, Puts

Record = tuple[str, str]
"""Sequence number and data."""
Log = Mapping[str, Sequence[Record]]
"""What each shard holds at the end, by shard id, in order."""


def check(
    puts: Puts, invocations: Sequence[Invocation], log: Log, *, discarded: Collection[str] = frozenset()
) -> list[str]:
    """Everything acknowledged is stored and delivered, in order, from the last checkpoint on, and nothing else is.

    `discarded` is the data of records that have a dead letter.
    """
    by_shard: dict[str, list[Invocation]] = defaultdict(list)
    for call in invocations:
        by_shard[call.shard].append(call)
    wrong = [*_check_log(puts, log), *_check_time(puts, log), *_check_delivered(puts, invocations, discarded)]
    for shard, calls in by_shard.items():
        found = (
            *_check_batches(calls, log.get(shard, ())),
            *_check_positions(calls, log.get(shard, ()), discarded),
            *_check_epochs(calls),
            *_check_attempts(calls),
        )
        wrong += [f"{shard}: {each}" for each in found]
    return wrong


def _check_log(puts: Puts, log: Log) -> Iterator[str]:
    """Acknowledged records are in their place; nothing is there that nobody put or that was refused, nothing twice."""
    places = {data: (shard, number) for shard, records in log.items() for number, data in records}
    for data, at in puts.stored.items():
        if places.get(data) != at:
            yield f"lost: {data} was acknowledged at {at}, and is at {places.get(data)}"
    for data in places.keys() - puts.stored.keys() - puts.unknown:
        yield f"invented: {data}"
    if sum(len(records) for records in log.values()) != len(places):
        yield "records are stored twice"
    for shard, records in log.items():
        numbers = [number for number, _ in records]
        if numbers != sorted(set(numbers)):
            yield f"the numbers of {shard} do not rise"


def _check_time(puts: Puts, log: Log) -> Iterator[str]:
    """A put that began after another was acknowledged has the higher number in their shard."""
    for records in log.values():
        answered_later = math.inf
        for _, data in reversed(records):
            asked, answered = puts.times.get(data, (-math.inf, math.inf))
            if answered_later < asked:
                yield f"{data} has a lower number than a record that was acknowledged before it was put"
            answered_later = min(answered_later, answered)


def _check_delivered(puts: Puts, invocations: Sequence[Invocation], discarded: Collection[str]) -> Iterator[str]:
    settled = {data for call in invocations for data in call.data[: call.settled]}
    for data in puts.stored:
        if data not in settled and data not in discarded:
            yield f"not delivered: {data}"


def _check_batches(calls: Sequence[Invocation], records: Sequence[Record]) -> Iterator[str]:
    """A batch is a run of the shard's records, as they are stored; so nothing is invented either."""
    places = {number: place for place, (number, _) in enumerate(records)}
    for call in calls:
        begin = places.get(call.numbers[0], 0) if call.numbers else 0
        batch = list(zip(call.numbers, call.data, strict=True))
        if not batch or batch != list(records[begin : begin + len(batch)]):
            yield f"the batch {_range(call)} is not a run of the shard's records"


def _check_positions(
    calls: Sequence[Invocation], records: Sequence[Record], discarded: Collection[str]
) -> Iterator[str]:
    """Each batch begins where the rule of delivery says; one call at a time."""
    places = {number: place for place, (number, _) in enumerate(records)}
    position = 0
    before: Invocation | None = None
    for call in calls:
        begin = places.get(call.numbers[0], -1) if call.numbers else -1
        is_new_owner = before is not None and call.epoch > before.epoch
        if before is not None and not is_new_owner and (before.ended is None or before.ended > call.started):
            yield f"{_range(call)} was sent while {_range(before)} was in the handler"
        goes_back = is_new_owner and before is not None and call.numbers[:1] == before.numbers[:1]
        if begin < position and not goes_back:
            yield f"{_range(call)} goes back behind what was settled"
        elif any(data not in discarded for _, data in records[position:begin]):
            yield f"{_range(call)} begins although records before it are not settled"
        position = begin + call.settled
        before = call


def _check_epochs(calls: Sequence[Invocation]) -> Iterator[str]:
    epochs = [call.epoch for call in calls]
    if epochs != sorted(epochs):
        yield "epochs go back"


def _check_attempts(calls: Sequence[Invocation]) -> Iterator[str]:
    """Attempts of a batch are counted from 1, each once, except those that a crash cut off."""
    before: dict[str, Invocation] = {}
    for call in calls:
        expected = _attempts_due(before.get(call.invocation), call.epoch)
        if call.attempt not in expected:
            yield f"{_range(call)} is attempt {call.attempt} where {sorted(expected)} was due"
        before[call.invocation] = call


def _attempts_due(last: Invocation | None, epoch: int) -> set[int]:
    if last is None:
        return {1}
    is_new_owner = epoch > last.epoch
    if is_new_owner and last.was_cut_off:
        return {last.attempt}  # A crash during an attempt does not count it.
    if is_new_owner or last.was_cut_off:
        return {last.attempt, last.attempt + 1}
    return {last.attempt + 1}


def _range(call: Invocation) -> str:
    return f"{call.numbers[0]} to {call.numbers[-1]}" if call.numbers else "a batch of nothing"
