"""EventSourceMappingService on the wire."""

from typing import Any

from millrace.mapping.v1 import event_source_mapping_service_pb2 as pb
from millrace.mapping.v1 import event_source_mapping_service_pb2_grpc as pb_grpc

from chassis.errors import Violations
from mapping_service.core import names
from mapping_service.rpc import fields, translate_handler, translate_mapping, unbuilt
from mapping_service.rpc.page_token import PageTokens
from mapping_service.service import MappingQuery, MappingService


class EventSourceMappingServicer(pb_grpc.EventSourceMappingServiceServicer):
    """Translates, calls the use case, translates back."""

    def __init__(self, service: MappingService, tokens: PageTokens) -> None:
        self._service = service
        self._tokens = tokens

    async def CreateEventSourceMapping(self, request: pb.CreateEventSourceMappingRequest, context: Any) -> Any:
        """See the contract."""
        violations = _required(request, "mapping")
        request_id = fields.request_id(violations, request)
        draft = translate_mapping.draft(request.mapping, violations)
        violations.raise_if_any()
        created = await self._service.create(draft, request=request_id, validate_only=request.validate_only)
        return pb.CreateEventSourceMappingResponse(mapping=translate_mapping.message_of(created))

    async def GetEventSourceMapping(self, request: pb.GetEventSourceMappingRequest, context: Any) -> Any:
        """See the contract."""
        mapping = await self._service.get(_mapping_id(request))
        return pb.GetEventSourceMappingResponse(mapping=translate_mapping.message_of(mapping))

    async def ListEventSourceMappings(self, request: pb.ListEventSourceMappingsRequest, context: Any) -> Any:
        """See the contract."""
        violations = Violations()
        page_size = fields.page_size(violations, request.page_size)
        _check_filters(request, violations)
        violations.raise_if_any()
        scope = f"mappings {request.event_source} {request.handler_name}"
        query = MappingQuery(
            after=self._place(scope, request.page_token),
            limit=page_size + 1,
            event_source=request.event_source or None,
            handler_name=request.handler_name or None,
        )
        found = await self._service.list(query)
        page = found[:page_size]
        answer = pb.ListEventSourceMappingsResponse(mappings=map(translate_mapping.message_of, page))
        if len(found) > page_size:
            answer.next_page_token = self._tokens.make(scope, page[-1].create_millis, page[-1].mapping_id)
        return answer

    async def UpdateEventSourceMapping(self, request: pb.UpdateEventSourceMappingRequest, context: Any) -> Any:
        """See the contract."""
        violations = _required(request, "mapping")
        change = translate_mapping.change(request.mapping, list(request.update_mask.paths), violations)
        violations.raise_if_any()
        updated = await self._service.update(change, validate_only=request.validate_only)
        return pb.UpdateEventSourceMappingResponse(mapping=translate_mapping.message_of(updated))

    async def DeleteEventSourceMapping(self, request: pb.DeleteEventSourceMappingRequest, context: Any) -> Any:
        """See the contract."""
        violations = Violations()
        etag = fields.etag(violations, "etag", request.etag)
        mapping_id = fields.uuid(violations, "mapping_id", request.mapping_id)
        violations.raise_if_any()
        deleted = await self._service.delete(mapping_id, etag=etag)
        return pb.DeleteEventSourceMappingResponse(mapping=translate_mapping.message_of(deleted))

    ListShardProgress = unbuilt.refuse("ListShardProgress")
    SeekEventSourceMapping = unbuilt.refuse("SeekEventSourceMapping")
    SkipRecords = unbuilt.refuse("SkipRecords")
    PauseEventSourceMapping = unbuilt.refuse("PauseEventSourceMapping")
    ResumeEventSourceMapping = unbuilt.refuse("ResumeEventSourceMapping")
    ListAuditEntries = unbuilt.refuse("ListAuditEntries")
    CaptureBatches = unbuilt.refuse("CaptureBatches")
    TestFilterCriteria = unbuilt.refuse("TestFilterCriteria")
    ListDeadLetters = unbuilt.refuse("ListDeadLetters")
    GetDeadLetter = unbuilt.refuse("GetDeadLetter")
    RedriveDeadLetters = unbuilt.refuse("RedriveDeadLetters")
    DeleteDeadLetters = unbuilt.refuse("DeleteDeadLetters")

    def _place(self, scope: str, token: str) -> tuple[int, str] | None:
        if not token:
            return None
        create_millis, mapping_id = self._tokens.read(scope, token)
        return int(create_millis), str(mapping_id)


def _required(request: Any, field: str) -> Violations:
    violations = Violations()
    if not request.HasField(field):
        violations.add(field, "is required")
        violations.raise_if_any()
    return violations


def _mapping_id(request: Any) -> str:
    violations = Violations()
    mapping_id = fields.uuid(violations, "mapping_id", request.mapping_id)
    violations.raise_if_any()
    return mapping_id


def _check_filters(request: pb.ListEventSourceMappingsRequest, violations: Violations) -> None:
    if request.event_source and not names.is_event_source(request.event_source):
        text = f"{request.event_source[: fields.TEXT_SHOWN_MAX]!r} is not an event source, such as streams/orders"
        violations.add("event_source", text)
    if request.handler_name:
        translate_handler.handler_name(violations, "handler_name", request.handler_name)
