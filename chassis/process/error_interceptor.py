"""The one place where exceptions become statuses, so that a servicer has no `try`.

Each method is wrapped once, at its first call, and the wrapped handler is kept: a call that succeeds pays for one more
coroutine and nothing else. The status is set on the context instead of aborting the call, because an aborted call makes
a graceful stop of grpc.aio's server wait no longer for the others.
"""

import inspect
import traceback
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
import structlog

from chassis.errors import DomainError
from chassis.process import error_details

_log = structlog.get_logger(__name__)

REQUEST_ID_KEY = "x-request-id"
_REQUEST_ID_CHARACTERS_MAX = 128

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Translates a DomainError into its status, and everything else into INTERNAL with the details in the log only.

    It must be the last in the server's list: it remembers the handler of a method and asks only once.
    """

    def __init__(self) -> None:
        self._guarded: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """The guarded handler of the method; None, which gRPC refuses, if there is no such method."""
        method = handler_call_details.method
        guarded = self._guarded.get(method)
        if guarded is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            guarded = self._guarded[method] = _guard(handler, method)
        return guarded


def _guard(handler: Handler, method: str) -> Handler:
    """The same handler with its behaviour guarded."""
    codecs = {
        "request_deserializer": handler.request_deserializer,
        "response_serializer": handler.response_serializer,
    }
    if handler.unary_unary is not None:
        return grpc.unary_unary_rpc_method_handler(_guard_answer(handler.unary_unary, method), **codecs)
    if handler.stream_unary is not None:
        return grpc.stream_unary_rpc_method_handler(_guard_answer(handler.stream_unary, method), **codecs)
    if handler.unary_stream is not None:
        return grpc.unary_stream_rpc_method_handler(_guard_stream(handler.unary_stream, method), **codecs)
    return grpc.stream_stream_rpc_method_handler(_guard_stream(handler.stream_stream, method), **codecs)


def _guard_answer(behaviour: Any, method: str) -> Any:
    async def guarded(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except Exception as error:
            _refuse(error, context, method)
            return None

    return guarded


def _guard_stream(behaviour: Any, method: str) -> Any:
    if not inspect.isasyncgenfunction(behaviour):
        return _guard_answer(behaviour, method)

    async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
        answers = behaviour(request, context)
        try:
            async for answer in answers:
                yield answer
        except Exception as error:
            _refuse(error, context, method)
        finally:
            await answers.aclose()

    return guarded


def _refuse(error: Exception, context: Context, method: str) -> None:
    """Set the status of a failed call. An abort goes its own way, a cancellation never gets here."""
    if isinstance(error, grpc.aio.AbortError):
        raise error
    request_id = _request_id(context)
    if isinstance(error, DomainError):
        refusal = error_details.refusal_of(error, request_id)
    else:
        _log_unforeseen(error, method, request_id)
        refusal = error_details.internal_refusal(request_id)
    context.set_code(refusal.code)
    context.set_details(refusal.text)
    details = (error_details.STATUS_METADATA_KEY, refusal.status)
    context.set_trailing_metadata((*(context.trailing_metadata() or ()), details))


def _log_unforeseen(error: Exception, method: str, request_id: str) -> None:
    """Log where it happened and of which kind it is. Its text may hold what a caller sent, so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    _log.error(
        "call_failed",
        method=method,
        request_id=request_id,
        error=type(error).__name__,
        caused_by=type(error.__cause__).__name__ if error.__cause__ else None,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    )


def _request_id(context: Context) -> str:
    """The caller's `x-request-id` if it sent a sensible one, else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str) and 0 < len(value) <= _REQUEST_ID_CHARACTERS_MAX:
            return value
    return uuid.uuid4().hex
