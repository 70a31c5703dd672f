from __future__ import annotations

from typing import Any

import pytest
from millrace.mapping.v1 import event_source_mapping_pb2, event_source_mapping_service_pb2
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import UsageFailed, VerbFailed
from millrace_cli.mapping import waiting
from millrace_cli.mapping.waiting import Wait
from millrace_cli.refusal import CallFailed, Refusal

pytestmark = pytest.mark.asyncio

LONG = Wait(60.0)
UPDATE = "UpdateEventSourceMapping"


def a_mapping(state: str) -> Any:
    number = event_source_mapping_pb2.EventSourceMappingState.Value(f"EVENT_SOURCE_MAPPING_STATE_{state}")
    return event_source_mapping_pb2.EventSourceMapping(
        mapping_id="m", state=number, last_processing_result="PROBLEM: no"
    )


def refused(reason: str) -> CallFailed:
    return CallFailed(Refusal(code="FAILED_PRECONDITION", message="no", reason=reason), "no")


class FakeService:
    """Answers each look and each change with the next of its list; the last one stays. A refusal is raised."""

    def __init__(self, *, looks: list[Any], changes: list[Any] | None = None) -> None:
        self._answers = {"GetEventSourceMapping": looks, UPDATE: changes or []}
        self.called: list[str] = []

    async def call(self, name: str, request: Any) -> Any:
        self.called.append(name)
        answers = self._answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, CallFailed):
            raise answer
        return event_source_mapping_service_pb2.GetEventSourceMappingResponse(mapping=answer)


async def until(service: FakeService, states: tuple[str, ...], wait: Wait) -> Any:
    fake: Any = service
    return await waiting.until(fake, a_mapping("CREATING"), states, wait)


async def change(service: FakeService, wait: Wait) -> Any:
    fake: Any = service
    return await waiting.change(fake, UPDATE, object(), "m", wait)


async def test_it_looks_until_the_state_is_reached() -> None:
    service = FakeService(looks=[a_mapping("CREATING"), a_mapping("ENABLED")])

    found = await until(service, ("ENABLED",), LONG)

    assert waiting.state_of(found) == "ENABLED"
    assert len(service.called) == 2


async def test_without_a_wait_it_does_not_look() -> None:
    service = FakeService(looks=[a_mapping("ENABLED")])

    found = await until(service, ("ENABLED",), Wait(0))

    assert waiting.state_of(found) == "CREATING"
    assert service.called == []


async def test_when_the_time_is_over_it_tells_the_state_and_the_last_result() -> None:
    service = FakeService(looks=[a_mapping("CREATING")])

    with pytest.raises(VerbFailed, match=r"is CREATING after 0\.1 s, not ENABLED yet.*PROBLEM: no") as caught:
        await until(service, ("ENABLED",), Wait(0.1))

    assert caught.value.code == ExitCode.UNAVAILABLE


async def test_a_change_in_a_transition_is_sent_again_when_that_is_over() -> None:
    service = FakeService(
        looks=[a_mapping("UPDATING"), a_mapping("ENABLED")],
        changes=[refused(waiting.IN_TRANSITION), a_mapping("DISABLING")],
    )

    answer = await change(service, LONG)

    assert waiting.state_of(answer.mapping) == "DISABLING"
    assert service.called.count(UPDATE) == 2


async def test_a_change_in_a_transition_without_a_wait_tells_of_it() -> None:
    service = FakeService(looks=[a_mapping("UPDATING")], changes=[refused(waiting.IN_TRANSITION)])

    with pytest.raises(CallFailed, match="--wait waits until it can be changed"):
        await change(service, Wait(0))

    assert service.called == [UPDATE]


async def test_another_refusal_is_not_waited_for() -> None:
    service = FakeService(looks=[a_mapping("ENABLED")], changes=[refused("ETAG_MISMATCH")])

    with pytest.raises(CallFailed) as caught:
        await change(service, LONG)

    assert caught.value.refusal.reason == "ETAG_MISMATCH"
    assert service.called == [UPDATE]


async def test_the_limit_is_a_duration() -> None:
    assert (Wait.of(True, "2m").seconds, Wait.of(False, "2m").seconds) == (120.0, 0.0)
    with pytest.raises(UsageFailed, match="--wait-limit is 'long'"):
        Wait.of(True, "long")
