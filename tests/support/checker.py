"""Checks a history against what is promised. Answers what is wrong, in words; nothing when all is well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.support.history import Invocation, Puts

Log = Mapping[str, Sequence[tuple[str, str]]]
"""What each shard holds at the end, by shard id: (sequence number, data) in order."""


def check(puts: Puts, invocations: Sequence[Invocation], log: Log) -> list[str]:
    """Everything acknowledged is stored and delivered, in order, from the last checkpoint on, and nothing else is."""
    wrong = [*_check_log(puts, log), *_check_delivered(puts, invocations)]
    by_shard: dict[str, list[Invocation]] = defaultdict(list)
    for call in invocations:
        by_shard[call.shard].append(call)
    for shard, calls in by_shard.items():
        wrong += _check_order(shard, calls, [number for number, _ in log.get(shard, ())])
        wrong += _check_redelivery(shard, calls)
        wrong += _check_epochs(shard, calls)
    return wrong


def _check_log(puts: Puts, log: Log) -> list[str]:
    """Acknowledged records are in their place; nothing is there that nobody put, and nothing twice."""
    places = {data: (shard, number) for shard, records in log.items() for number, data in records}
    count = sum(len(records) for records in log.values())
    wrong = [f"lost: {data} was acknowledged at {at}" for data, at in puts.stored.items() if places.get(data) != at]
    wrong += [f"invented: {data}" for data in places if data not in puts.stored and data not in puts.unknown]
    if count != len(places):
        wrong.append(f"{count - len(places)} records are stored twice")
    for shard, records in log.items():
        numbers = [number for number, _ in records]
        if numbers != sorted(set(numbers)):
            wrong.append(f"the numbers of {shard} do not rise")
    return wrong


def _check_delivered(puts: Puts, invocations: Sequence[Invocation]) -> list[str]:
    delivered = {data for call in invocations if call.ok for data in call.data}
    started = {data for call in invocations for data in call.data}
    wrong = [f"not delivered: {data}" for data in puts.stored if data not in delivered]
    known = puts.stored.keys() | puts.unknown
    return wrong + [f"delivered, but never put: {data}" for data in started if data not in known]


def _check_order(shard: str, calls: Sequence[Invocation], numbers: Sequence[str]) -> list[str]:
    """First deliveries are the shard's records one after the other, none left out."""
    seen: set[str] = set()
    firsts: list[str] = []
    for call in calls:
        if call.numbers != sorted(call.numbers):
            return [f"{shard}: a batch is out of order"]
        firsts += [number for number in call.numbers if number not in seen]
        seen.update(call.numbers)
    if firsts != list(numbers[: len(firsts)]):
        return [f"{shard}: first deliveries skip records or are out of order"]
    return []


def _check_redelivery(shard: str, calls: Sequence[Invocation]) -> list[str]:
    """A batch that was followed by a later one is checkpointed: nothing of it may come again."""
    floor, last = "", ""
    for call in calls:
        if not call.numbers:
            continue
        if call.numbers[0] > last:
            floor = last
        if call.numbers[0] <= floor:
            return [f"{shard}: {call.numbers[0]} comes again, though {floor} was checkpointed"]
        last = max(last, call.numbers[-1])
    return []


def _check_epochs(shard: str, calls: Sequence[Invocation]) -> list[str]:
    epochs = [call.epoch for call in calls]
    return [] if epochs == sorted(epochs) else [f"{shard}: epochs go back"]
