"""The lane of `millrace put`, against a service that refuses as it is told."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from millrace.stream.v1 import stream_service_pb2 as pb
from millrace_cli.exit_codes import ExitCode
from millrace_cli.records import lane
from millrace_cli.records.entries import Entry
from millrace_cli.records.lane import Lane
from millrace_cli.refusal import CallFailed, Refusal

Answer = Callable[[Any], Any]
pytestmark = pytest.mark.asyncio


def entry(number: int, data: bytes = b"x") -> Entry:
    return Entry(number, data, f"key-{number}", "", {})


def refused(code: str, reason: str = "", **fields: Any) -> CallFailed:
    return CallFailed(Refusal(code=code, message="said so", reason=reason, **fields), "text")


class Service:
    """Answers calls with what is given, then stores everything."""

    def __init__(self, *answers: Answer | CallFailed) -> None:
        self._answers = list(answers)
        self.calls: list[list[bytes]] = []
        self.names: list[list[tuple[bytes, int]]] = []

    async def call(self, name: str, request: Any) -> Any:
        assert name == "PutRecords"
        self.calls.append([each.data for each in request.records])
        self.names.append([(each.producer_id, each.producer_sequence) for each in request.records])
        answer = self._answers.pop(0) if self._answers else stores_all
        if isinstance(answer, CallFailed):
            raise answer
        return answer(request)


def stores_all(request: Any) -> Any:
    return refuses({})(request)


def refuses(reasons: dict[bytes, tuple[str, int]]) -> Answer:
    """Refuse the records with this data, for a reason and with a delay."""

    def answer(request: Any) -> Any:
        response = pb.PutRecordsResponse()
        for each in request.records:
            reason, delay = reasons.get(each.data, ("", 0))
            place = {} if reason else {"shard_id": "s", "sequence_number": "n"}
            response.results.add(reason=reason, message=reason.lower(), retry_delay_millis=delay, **place)
        return response

    return answer


@dataclasses.dataclass
class Told:
    stored_numbers: list[int] = dataclasses.field(default_factory=list)
    failures: list[tuple[int, str, bool]] = dataclasses.field(default_factory=list)

    def stored(self, entry: Entry, shard_id: str, sequence_number: str) -> None:
        assert (shard_id, sequence_number) == ("s", "n")
        self.stored_numbers.append(entry.number)

    def failed(self, entry: Entry, reason: str, message: str, *, may_be_stored: bool) -> None:
        self.failures.append((entry.number, reason, may_be_stored))


async def put(service: Service, *entries: Entry, retry_seconds: float = 30.0) -> Told:
    told = Told()
    one = Lane(service, "orders", told, retry_seconds=retry_seconds)
    for each in entries:
        await one.add(each)
    one.close()
    async with asyncio.timeout(20):
        await one.run()
    return told


async def test_records_go_in_calls_of_at_most_500_in_their_order() -> None:
    service = Service()

    told = await put(service, *(entry(number) for number in range(1, 1_202)))

    assert [len(call) for call in service.calls] == [500, 500, 201]
    assert told == Told(list(range(1, 1_202)), [])


async def test_a_call_holds_a_mebibyte_or_one_record() -> None:
    service = Service()

    await put(service, entry(1, b"a" * 700_000), entry(2, b"b" * 700_000), entry(3, b"c" * 2_000_000), entry(4))

    assert [[len(each) for each in call] for call in service.calls] == [[700_000], [700_000], [2_000_000], [1]]


async def test_a_record_that_is_refused_for_now_is_sent_again_before_those_after_it() -> None:
    service = Service(refuses({b"1": ("STORAGE_FULL", 1), b"2": ("PRECEDING_RECORD_REFUSED", 0)}))

    told = await put(service, entry(1, b"1"), entry(2, b"2"), entry(3, b"3"))

    assert service.calls == [[b"1", b"2", b"3"], [b"1", b"2"]]
    assert told == Told([3, 1, 2], [])


async def test_a_record_that_is_refused_for_good_is_told_and_not_sent_again() -> None:
    service = Service(refuses({b"1": ("RECORD_TOO_LARGE", 0)}))

    told = await put(service, entry(1, b"1"), entry(2, b"2"))

    assert service.calls == [[b"1", b"2"]]
    assert told == Told([2], [(1, "RECORD_TOO_LARGE", False)])


async def test_a_record_is_not_tried_for_longer_than_asked_for() -> None:
    full = refuses({b"1": ("STORAGE_FULL", 1)})

    told = await put(Service(full, full), entry(1, b"1"), retry_seconds=0.0)

    assert told == Told([], [(1, "STORAGE_FULL", False)])


async def test_a_call_without_an_answer_is_made_again_with_the_same_names() -> None:
    service = Service(refused("UNAVAILABLE"), refused("DEADLINE_EXCEEDED"))

    told = await put(service, entry(1, b"1"), entry(2, b"2"))

    assert service.calls == [[b"1", b"2"]] * 3
    assert service.names[0] == service.names[1] == service.names[2]
    assert [number for _, number in service.names[0]] == [1, 2]
    assert told == Told([1, 2], [])


async def test_a_service_that_stays_away_ends_the_lane_and_what_waits_has_failed() -> None:
    told = Told()
    one = Lane(Service(refused("UNAVAILABLE")), "orders", told, retry_seconds=0.0)
    for number in range(1, 4):
        await one.add(entry(number, b"a" * 700_000))

    with pytest.raises(CallFailed) as caught:
        await one.run()
    one.give_up("UNAVAILABLE", "away")

    assert caught.value.code is ExitCode.UNAVAILABLE
    assert told.failures == [(1, "UNAVAILABLE", True), (2, "UNAVAILABLE", False), (3, "UNAVAILABLE", False)]


async def test_what_is_refused_before_it_was_written_is_surely_not_stored() -> None:
    told = Told()
    one = Lane(Service(refused("RESOURCE_EXHAUSTED", "OVERLOADED", retry_seconds=0.1)), "orders", told, retry_seconds=0)
    await one.add(entry(1))

    with pytest.raises(CallFailed):
        await one.run()
    one.give_up("OVERLOADED", "")

    assert told.failures == [(1, "OVERLOADED", False)]


async def test_a_stream_that_is_gone_ends_the_lane_at_once() -> None:
    service = Service(refused("NOT_FOUND", "STREAM_NOT_FOUND"))

    with pytest.raises(CallFailed):
        await put(service, entry(1))

    assert len(service.calls) == 1


async def test_of_a_request_that_is_wrong_in_itself_only_the_wrong_record_is_refused() -> None:
    wrong = refused("INVALID_ARGUMENT", "INVALID_ARGUMENT")

    def unless_it_has_the_wrong_one(request: Any) -> Any:
        if any(each.data == b"2" for each in request.records):
            raise wrong
        return stores_all(request)

    told = await put(
        Service(*[unless_it_has_the_wrong_one] * 5), *(entry(number, b"%d" % number) for number in (1, 2, 3))
    )

    assert told == Told([1, 3], [(2, "INVALID_ARGUMENT", False)])


async def test_adding_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "WAITING_RECORDS_MAX", 2)
    told = Told()
    one = Lane(Service(), "orders", told, retry_seconds=1.0)

    async def add_all() -> None:
        for number in range(1, 6):
            await one.add(entry(number))
        one.close()

    adding = asyncio.ensure_future(add_all())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not adding.done()
    await asyncio.wait_for(one.run(), 5)

    assert adding.done()
    assert told.stored_numbers == [1, 2, 3, 4, 5]


async def test_a_lane_that_is_cancelled_in_a_call_tells_that_its_records_may_be_stored() -> None:
    told = Told()
    called = asyncio.Event()

    class Hanging(Service):
        async def call(self, name: str, request: Any) -> Any:
            called.set()
            await asyncio.Event().wait()

    one = Lane(Hanging(), "orders", told, retry_seconds=1.0)
    await one.add(entry(1))
    running = asyncio.ensure_future(one.run())
    await asyncio.wait_for(called.wait(), 5)
    running.cancel()
    await asyncio.wait([running])
    one.give_up("INTERRUPTED", "")

    assert told.failures == [(1, "INTERRUPTED", True)]
