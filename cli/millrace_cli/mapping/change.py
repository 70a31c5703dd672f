"""`millrace mapping update`, `enable`, `disable` and `delete`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from google.protobuf import field_mask_pb2
from millrace.mapping.v1 import event_source_mapping_pb2, event_source_mapping_service_pb2

from millrace_cli import calling, output
from millrace_cli.failure import UsageFailed, VerbFailed
from millrace_cli.mapping import choosing, knobs, show, waiting
from millrace_cli.mapping.knobs import Knobs
from millrace_cli.mapping.waiting import Wait
from millrace_cli.refusal import CallFailed
from millrace_cli.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is changed beside the knobs."""

    mapping: str
    handler: str | None
    etag: str
    validate_only: bool


async def update(session: Session, asked: Change, said: Knobs, wait: Wait) -> None:
    """Raises UsageFailed when nothing is to be changed or cannot be read, CallFailed, VerbFailed after the wait."""
    mapping = event_source_mapping_pb2.EventSourceMapping(etag=asked.etag)
    paths = knobs.put_into(mapping, said)
    if asked.handler is not None:
        mapping.handler_name = asked.handler
        paths.append("handler_name")
    if not paths:
        raise UsageFailed("nothing is to be changed; see millrace mapping update --help for what can be")
    await _update(session, asked.mapping, _request(mapping, paths, validate_only=asked.validate_only), wait)


async def switch(session: Session, mapping: str, *, is_on: bool, wait: Wait) -> None:
    """Enable or disable it; done already is fine. Raises UsageFailed, CallFailed, VerbFailed after the wait."""
    request = _request(event_source_mapping_pb2.EventSourceMapping(enabled=is_on), ["enabled"])
    await _update(session, mapping, request, wait, states=["ENABLED" if is_on else "DISABLED"])


async def delete(session: Session, mapping: str, *, etag: str, is_sure: bool, wait: Wait) -> None:
    """Raises UsageFailed when nobody can be asked, VerbFailed when the user does not want it, CallFailed."""
    async with calling.mapping_service(session) as service:
        found = await waiting.get(service, await choosing.mapping_id(service, mapping))
        what = f"mapping {found.mapping_id} of {found.event_source} to {found.handler_name}"
        if not is_sure:
            _ask(what)
        request = event_source_mapping_service_pb2.DeleteEventSourceMappingRequest(
            mapping_id=found.mapping_id, etag=etag
        )
        try:
            answer = await waiting.change(service, "DeleteEventSourceMapping", request, found.mapping_id, wait)
            await waiting.until(service, answer.mapping, waiting.GONE, wait)
        except CallFailed as failed:
            if failed.refusal.reason != waiting.NOT_FOUND:
                raise
    output.note(f"{what} is {'deleted' if wait.seconds else 'being deleted'}")


async def _update(session: Session, mapping: str, request: Any, wait: Wait, *, states: list[str] | None = None) -> None:
    async with calling.mapping_service(session) as service:
        request.mapping.mapping_id = await choosing.mapping_id(service, mapping)
        answer = await waiting.change(service, "UpdateEventSourceMapping", request, request.mapping.mapping_id, wait)
        changed = answer.mapping
        if request.validate_only:
            output.note("this is how it would be; nothing was changed")
        else:
            changed = await waiting.until(service, changed, states or waiting.SETTLED, wait)
    output.one(session.output, changed, show.MAPPING)


def _request(mapping: Any, paths: list[str], *, validate_only: bool = False) -> Any:
    return event_source_mapping_service_pb2.UpdateEventSourceMappingRequest(
        mapping=mapping, update_mask=field_mask_pb2.FieldMask(paths=paths), validate_only=validate_only
    )


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise UsageFailed(f"deleting {what} forgets how far it has come; say --yes if that is meant")
    sys.stderr.write(f"Delete {what}, and forget how far it has come? Type yes to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise VerbFailed("nothing was deleted")
