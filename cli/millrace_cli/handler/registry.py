"""`millrace handler register`, `list`, `show`, `update` and `remove`."""

from __future__ import annotations

import uuid
from typing import Any

from google.protobuf import duration_pb2, field_mask_pb2
from millrace.mapping.v1 import event_source_mapping_service_pb2, handler_registry_service_pb2

from millrace_cli import calling, output, quantity
from millrace_cli.failure import UsageFailed
from millrace_cli.output import Column
from millrace_cli.session import Session
from millrace_cli.stream.columns import moment

HANDLERS = [
    Column("HANDLER", lambda row: row.handler_name),
    Column("ENDPOINT", lambda row: row.endpoint),
    Column("CALL TIMEOUT", lambda row: quantity.duration_text(row.timeout.ToTimedelta())),
    Column("REGISTERED", lambda row: moment(row.create_time)),
]
HANDLER = [*HANDLERS, Column("ETAG", lambda row: row.etag)]


async def register(session: Session, handler: str, *, endpoint: str, call_timeout: str) -> None:
    """Raises UsageFailed for what cannot be read, CallFailed."""
    request = handler_registry_service_pb2.RegisterHandlerRequest(
        handler=handler_registry_service_pb2.Handler(
            handler_name=handler, endpoint=endpoint, timeout=_duration(call_timeout)
        ),
        request_id=str(uuid.uuid4()),
    )
    async with calling.mapping_service(session) as service:
        answer = await service.call("RegisterHandler", request)
    output.one(session.output, answer.handler, HANDLER)


async def list_all(session: Session) -> None:
    """All handlers. Raises CallFailed."""
    async with calling.mapping_service(session) as service:
        request = handler_registry_service_pb2.ListHandlersRequest()
        found = [each async for each in service.pages("ListHandlers", request, "handlers")]
    output.rows(
        session.output,
        found,
        HANDLERS,
        empty=f"there are no handlers at {service.address}; register one: millrace handler register NAME HOST:PORT",
    )


async def show(session: Session, handler: str) -> None:
    """One handler. Raises CallFailed."""
    async with calling.mapping_service(session) as service:
        output.one(session.output, await get(service, handler), HANDLER)


async def update(session: Session, handler: str, *, endpoint: str | None, call_timeout: str | None, etag: str) -> None:
    """Raises UsageFailed when nothing is to be changed or cannot be read, CallFailed."""
    changed = handler_registry_service_pb2.Handler(handler_name=handler, etag=etag)
    paths = []
    if endpoint is not None:
        changed.endpoint = endpoint
        paths.append("endpoint")
    if call_timeout is not None:
        changed.timeout.CopyFrom(_duration(call_timeout))
        paths.append("timeout")
    if not paths:
        raise UsageFailed("nothing is to be changed; say --endpoint or --call-timeout")
    request = handler_registry_service_pb2.UpdateHandlerRequest(
        handler=changed, update_mask=field_mask_pb2.FieldMask(paths=paths)
    )
    async with calling.mapping_service(session) as service:
        answer = await service.call("UpdateHandler", request)
    output.one(session.output, answer.handler, HANDLER)


async def remove(session: Session, handler: str) -> None:
    """Raises CallFailed."""
    async with calling.mapping_service(session) as service:
        listing = event_source_mapping_service_pb2.ListEventSourceMappingsRequest(handler_name=handler)
        await service.call(
            "DeregisterHandler", handler_registry_service_pb2.DeregisterHandlerRequest(handler_name=handler)
        )
        waiting = [each async for each in service.pages("ListEventSourceMappings", listing, "mappings")]
    output.note(f"handler {handler} is removed")
    if waiting:
        names = ", ".join(each.mapping_id for each in waiting)
        output.note(f"these mappings wait until it is registered again: {names}")


async def get(service: calling.Service, handler: str) -> Any:
    """A handler. Raises CallFailed."""
    request = handler_registry_service_pb2.GetHandlerRequest(handler_name=handler)
    return (await service.call("GetHandler", request)).handler


def _duration(text: str) -> duration_pb2.Duration:
    found = duration_pb2.Duration()
    found.FromTimedelta(quantity.duration(text, "--call-timeout"))
    return found
