"""`millrace mapping create`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from millrace.mapping.v1 import event_source_mapping_pb2, event_source_mapping_service_pb2

from millrace_cli import calling, output
from millrace_cli.failure import UsageFailed
from millrace_cli.mapping import choosing, knobs, show, waiting
from millrace_cli.mapping.knobs import Knobs
from millrace_cli.mapping.waiting import Wait
from millrace_cli.records import place
from millrace_cli.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """What is created."""

    stream: str
    handler: str
    start: str
    enabled: bool
    validate_only: bool


async def create(session: Session, new: New, said: Knobs, wait: Wait) -> None:
    """Raises UsageFailed for what cannot be read, CallFailed, VerbFailed when the wait is over."""
    mapping = event_source_mapping_pb2.EventSourceMapping(
        event_source=choosing.EVENT_SOURCE_PREFIX + new.stream.removeprefix(choosing.EVENT_SOURCE_PREFIX),
        handler_name=new.handler,
        enabled=new.enabled,
    )
    knobs.put_into(mapping, said)
    start_from(mapping, new.start, datetime.now().astimezone())
    request = event_source_mapping_service_pb2.CreateEventSourceMappingRequest(
        mapping=mapping, validate_only=new.validate_only, request_id=str(uuid.uuid4())
    )
    async with calling.mapping_service(session) as service:
        created = (await service.call("CreateEventSourceMapping", request)).mapping
        if new.validate_only:
            output.note("this would be created; nothing was")
        else:
            created = await waiting.until(service, created, ["ENABLED" if new.enabled else "DISABLED"], wait)
    if not created.stream_id and not new.validate_only:
        output.note(f"stream {new.stream} was not found yet; the mapping waits for it")
    output.one(session.output, created, show.MAPPING)


def start_from(mapping: event_source_mapping_pb2.EventSourceMapping, text: str, now: datetime) -> None:
    """Set where to start. Raises UsageFailed."""
    found = place.parse(text, now)
    match found.kind:
        case "oldest":
            mapping.starting_position = event_source_mapping_pb2.STARTING_POSITION_TRIM_HORIZON
        case "latest":
            mapping.starting_position = event_source_mapping_pb2.STARTING_POSITION_LATEST
        case _ if found.time is not None:
            mapping.starting_position = event_source_mapping_pb2.STARTING_POSITION_AT_TIMESTAMP
            mapping.starting_position_time.FromDatetime(found.time)
        case _:
            raise UsageFailed(
                "--from is a sequence number; a mapping starts at oldest, latest, a time, or how long ago"
            )
