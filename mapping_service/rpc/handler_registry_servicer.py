"""HandlerRegistryService on the wire."""

from typing import Any

from millrace.mapping.v1 import handler_registry_service_pb2 as pb
from millrace.mapping.v1 import handler_registry_service_pb2_grpc as pb_grpc

from chassis.errors import Violations
from mapping_service.rpc import fields, translate_handler
from mapping_service.rpc.page_token import PageTokens
from mapping_service.service import HandlerService

_SCOPE = "handlers"


class HandlerRegistryServicer(pb_grpc.HandlerRegistryServiceServicer):
    """Translates, calls the use case, translates back."""

    def __init__(self, service: HandlerService, tokens: PageTokens) -> None:
        self._service = service
        self._tokens = tokens

    async def RegisterHandler(self, request: pb.RegisterHandlerRequest, context: Any) -> Any:
        """See the contract."""
        violations = _required(request)
        request_id = fields.request_id(violations, request)
        draft = translate_handler.draft(request.handler, violations)
        violations.raise_if_any()
        registered = await self._service.register(draft, request=request_id)
        return pb.RegisterHandlerResponse(handler=translate_handler.message_of(registered))

    async def GetHandler(self, request: pb.GetHandlerRequest, context: Any) -> Any:
        """See the contract."""
        handler = await self._service.get(_handler_name(request))
        return pb.GetHandlerResponse(handler=translate_handler.message_of(handler))

    async def ListHandlers(self, request: pb.ListHandlersRequest, context: Any) -> Any:
        """See the contract."""
        violations = Violations()
        page_size = fields.page_size(violations, request.page_size)
        violations.raise_if_any()
        after = str(self._tokens.read(_SCOPE, request.page_token)[0]) if request.page_token else None
        found = await self._service.list(after=after, limit=page_size + 1)
        page = found[:page_size]
        answer = pb.ListHandlersResponse(handlers=map(translate_handler.message_of, page))
        if len(found) > page_size:
            answer.next_page_token = self._tokens.make(_SCOPE, page[-1].handler_name)
        return answer

    async def UpdateHandler(self, request: pb.UpdateHandlerRequest, context: Any) -> Any:
        """See the contract."""
        violations = _required(request)
        change = translate_handler.change(request.handler, list(request.update_mask.paths), violations)
        violations.raise_if_any()
        updated = await self._service.update(request.handler.handler_name, **change)
        return pb.UpdateHandlerResponse(handler=translate_handler.message_of(updated))

    async def DeregisterHandler(self, request: pb.DeregisterHandlerRequest, context: Any) -> Any:
        """See the contract."""
        await self._service.deregister(_handler_name(request))
        return pb.DeregisterHandlerResponse()

    async def InvokeHandler(self, request: pb.InvokeHandlerRequest, context: Any) -> Any:
        """See the contract."""
        violations = Violations()
        handler_name = translate_handler.handler_name(violations, "handler_name", request.handler_name)
        batch = translate_handler.encoded_test_batch(request, violations)
        violations.raise_if_any()
        return translate_handler.probe_message(await self._service.invoke(handler_name, batch))


def _required(request: Any) -> Violations:
    violations = Violations()
    if not request.HasField("handler"):
        violations.add("handler", "is required")
        violations.raise_if_any()
    return violations


def _handler_name(request: Any) -> str:
    violations = Violations()
    handler_name = translate_handler.handler_name(violations, "handler_name", request.handler_name)
    violations.raise_if_any()
    return handler_name
