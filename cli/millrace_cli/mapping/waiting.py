"""`--wait`: changes of mappings are carried out in the background; this looks until they are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from millrace.mapping.v1 import event_source_mapping_pb2, event_source_mapping_service_pb2

from millrace_cli import calling, quantity
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import VerbFailed
from millrace_cli.refusal import CallFailed

LOOK_SECONDS = (0.05, 1.0)
"""Between two looks, at first and at last."""
SETTLED = ("ENABLED", "DISABLED")
NOT_FOUND = "MAPPING_NOT_FOUND"
GONE = ("gone",)
"""No state: what is waited for ends in NOT_FOUND."""
IN_TRANSITION = "MAPPING_IN_USE"
_PREFIX = "EVENT_SOURCE_MAPPING_STATE_"


@dataclass(frozen=True, slots=True)
class Wait:
    """For how many seconds at most; 0 is not at all."""

    seconds: float

    @classmethod
    def of(cls, is_asked: bool, limit: str) -> Wait:
        """What the options say. Raises UsageFailed."""
        seconds = quantity.duration(limit, "--wait-limit").total_seconds()
        return cls(seconds if is_asked else 0.0)


def state_of(mapping: Any) -> str:
    """Its state without the prefix of the enum."""
    return event_source_mapping_pb2.EventSourceMappingState.Name(mapping.state).removeprefix(_PREFIX)


async def get(service: calling.Service, mapping_id: str) -> Any:
    """The mapping. Raises CallFailed."""
    request = event_source_mapping_service_pb2.GetEventSourceMappingRequest(mapping_id=mapping_id)
    return (await service.call("GetEventSourceMapping", request)).mapping


async def until(service: calling.Service, mapping: Any, states: Collection[str], wait: Wait) -> Any:
    """The mapping in one of the states; as it is when there is nothing to wait for.

    Raises VerbFailed when the time is over, CallFailed.
    """
    end = time.monotonic() + wait.seconds
    pause, pause_max = LOOK_SECONDS
    while state_of(mapping) not in states and wait.seconds:
        if time.monotonic() + pause > end:
            raise _too_long(mapping, wait, " or ".join(states))
        await asyncio.sleep(pause)
        pause = min(2 * pause, pause_max)
        mapping = await get(service, mapping.mapping_id)
    return mapping


async def change(service: calling.Service, name: str, request: Any, mapping_id: str, wait: Wait) -> Any:
    """The answer to a change; one that comes in a transition is sent again once that is over, if there is a wait.

    Raises VerbFailed when the time is over, CallFailed.
    """
    while True:
        try:
            return await service.call(name, request)
        except CallFailed as failed:
            if failed.refusal.reason != IN_TRANSITION:
                raise
            if not wait.seconds:
                raise CallFailed(failed.refusal, f"{failed}\n  --wait waits until it can be changed.") from failed
        began = time.monotonic()
        await until(service, await get(service, mapping_id), SETTLED, wait)
        wait = Wait(max(0.0, wait.seconds - (time.monotonic() - began)))


def _too_long(mapping: Any, wait: Wait, wanted: str) -> VerbFailed:
    return VerbFailed(
        f"mapping {mapping.mapping_id} is {state_of(mapping)} after {wait.seconds:g} s, not {wanted} yet; "
        f"it goes on. Last result: {mapping.last_processing_result or 'none'}",
        ExitCode.UNAVAILABLE,
    )
