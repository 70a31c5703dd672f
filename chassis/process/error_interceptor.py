"""The one place where exceptions become statuses, so that a servicer has no `try`.

Each method is wrapped once, at its first call, and the wrapped handler is kept: a call that succeeds pays for one more
coroutine and nothing else. The status is set on the context instead of aborting the call, because an aborted call makes
a graceful stop of grpc.aio's server wait no longer for the others.
"""

import asyncio
import contextlib
import inspect
import logging
import re
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError

from chassis.errors import DomainError, FieldViolation, InvalidArgument
from chassis.process import call_metrics, error_details, tracing, wire_text

_log = structlog.get_logger(__name__)

REQUEST_ID_KEY = "x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""What is taken from a caller: it goes into the log and back on the wire."""

REFUSALS_LOGGED_A_SECOND = 50
"""More refusals in a second are counted alone: a producer that is turned away in a loop must not fill the disk."""

_OK = "OK"

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Translates a DomainError into its status, and everything else into INTERNAL with the details in the log only.

    It must be the last in the server's list: it remembers the handler of a method and asks only once.
    """

    def __init__(self, meter: call_metrics.CallMeter, traces: tracing.Tracing | None = None) -> None:
        self._traces = traces
        self._guarded: dict[str, Handler] = {}
        self._meter = meter
        self._refusals = _Refusals(meter)

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
            guards = _Guards(method, self._meter.method(method), self._refusals)
            guards.takes_many = handler.request_streaming
            guarded = self._guarded[method] = _wrap(self._traced(handler, method), guards)
        return guarded

    def _traced(self, handler: Handler, method: str) -> Handler:
        """The same handler with a span around each call, where spans are made."""
        if self._traces is None or not self._traces.is_traced(method):
            return handler
        return _wrap(handler, _Traced(method, self._traces))


class _Wrapper(Protocol):
    """Puts something around the behaviour of a method."""

    def decoder(self, decode: Any) -> Any:
        """What decodes a request."""

    def answer(self, behaviour: Any) -> Any:
        """Around one that answers once."""

    def stream(self, behaviour: Any) -> Any:
        """Around one that answers many times."""


def _wrap(handler: Handler, wrapper: _Wrapper) -> Handler:
    """The same handler with its behaviour wrapped."""
    codecs = {
        "request_deserializer": wrapper.decoder(handler.request_deserializer),
        "response_serializer": handler.response_serializer,
    }
    if handler.unary_unary is not None:
        return grpc.unary_unary_rpc_method_handler(wrapper.answer(handler.unary_unary), **codecs)
    if handler.stream_unary is not None:
        return grpc.stream_unary_rpc_method_handler(wrapper.answer(handler.stream_unary), **codecs)
    if handler.unary_stream is not None:
        return grpc.unary_stream_rpc_method_handler(wrapper.stream(handler.unary_stream), **codecs)
    return grpc.stream_stream_rpc_method_handler(wrapper.stream(handler.stream_stream), **codecs)


class _Traced:
    """Puts a span around a method."""

    def __init__(self, method: str, traces: tracing.Tracing) -> None:
        self._method = method
        self._traces = traces

    def decoder(self, decode: Any) -> Any:
        return decode

    def answer(self, behaviour: Any) -> Any:
        async def traced(request: Any, context: Context) -> Any:
            with self._traces.serve(self._method, context.invocation_metadata() or ()):
                return await behaviour(request, context)

        return traced

    def stream(self, behaviour: Any) -> Any:
        if not inspect.isasyncgenfunction(behaviour):
            return self.answer(behaviour)

        async def traced(request: Any, context: Context) -> AsyncIterator[Any]:
            with self._traces.serve(self._method, context.invocation_metadata() or ()):
                async with contextlib.aclosing(behaviour(request, context)) as answers:
                    async for answer in answers:
                        yield answer

        return traced


class _Undecoded:
    """Stands for a request whose bytes are no message of its kind. gRPC itself would answer that with UNKNOWN."""

    def __init__(self, field: str | None) -> None:
        """`field` is the one whose text is not UTF-8, if that is what is wrong."""
        self.field = field


class _Guards:
    """Wraps the behaviour of one method."""

    takes_many = False
    """Whether a caller sends many requests in one call."""

    def __init__(self, method: str, meter: call_metrics.MethodMeter, refusals: "_Refusals") -> None:
        self._method = method
        self._meter = meter
        self._refusals = refusals
        # Asked once for each method: a line for each call is for looking closely, and costs.
        self._logs_all = logging.getLogger(__name__).isEnabledFor(logging.DEBUG)

    def decoder(self, decode: Any) -> Any:
        if decode is None:
            return None

        def decoded(request: bytes) -> Any:
            try:
                return decode(request)
            except DecodeError:
                kind = getattr(decode, "__self__", None)
                descriptor = getattr(kind, "DESCRIPTOR", None)
                return _Undecoded(wire_text.field_that_is_not_text(descriptor, request) if descriptor else None)

        return decoded

    def answer(self, behaviour: Any) -> Any:
        meter = self._meter

        async def guarded(request: Any, context: Context) -> Any:
            begun, code = meter.begin(), _OK
            try:
                return await behaviour(self._checked(request), context)
            except asyncio.CancelledError:
                code = _given_up(context)
                raise
            except grpc.aio.AbortError:
                code = _aborted(context)
                raise
            except Exception as error:
                code = self._refuse(error, context)
                return None
            finally:
                self._end(begun, code)

        return guarded

    def stream(self, behaviour: Any) -> Any:
        if not inspect.isasyncgenfunction(behaviour):
            return self.answer(behaviour)
        meter = self._meter

        async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
            begun, code = meter.begin(), _OK
            answers = behaviour(_each_decoded(request) if self.takes_many else request, context)
            try:
                _check(request)
                async for answer in answers:
                    yield answer
            except (asyncio.CancelledError, GeneratorExit):
                code = _given_up(context)
                raise
            except grpc.aio.AbortError:
                code = _aborted(context)
                raise
            except Exception as error:
                code = self._refuse(error, context)
            finally:
                self._end(begun, code)
                await answers.aclose()

        return guarded

    def _checked(self, request: Any) -> Any:
        _check(request)
        return _each_decoded(request) if self.takes_many else request

    def _end(self, begun: float, code: str) -> None:
        self._meter.end(begun, code)
        if self._logs_all:
            _log.debug("call", method=self._method, code=code, seconds=round(time.perf_counter() - begun, 6))

    def _refuse(self, error: Exception, context: Context) -> str:
        """Set the status of a failed call; its code."""
        request_id = _request_id(context)
        if isinstance(error, DomainError):
            refusal = error_details.refusal_of(error, request_id)
            self._refusals.log(method=self._method, reason=error.reason, code=error.code, request_id=request_id)
        else:
            _log_unforeseen(error, self._method, request_id)
            refusal = error_details.internal_refusal(request_id)
        context.set_code(refusal.code)
        context.set_details(refusal.text)
        details = (error_details.STATUS_METADATA_KEY, refusal.status)
        context.set_trailing_metadata((*(context.trailing_metadata() or ()), details))
        return refusal.code.name


def _check(request: Any) -> None:
    """Raises InvalidArgument for what could not be decoded."""
    if request.__class__ is _Undecoded:
        if request.field is not None:
            raise InvalidArgument(FieldViolation(request.field, "must be text in UTF-8"))
        raise InvalidArgument(
            FieldViolation("request", "its bytes are not a message of the kind that the method takes")
        )


async def _each_decoded(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        _check(request)
        yield request


class _Refusals:
    """Logs refusals, one line each, up to a number a second. Their messages stay out: they may quote a request."""

    def __init__(self, meter: call_metrics.CallMeter) -> None:
        self._meter = meter
        self._second = 0
        self._logged = 0

    def log(self, **fields: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._logged = second, 0
        self._logged += 1
        if self._logged <= REFUSALS_LOGGED_A_SECOND:
            _log.info("call_refused", **fields)
        else:
            self._meter.refusals_unlogged += 1


def _aborted(context: Context) -> str:
    """The code that whoever aborted the call has set."""
    code = context.code()
    return next((each.name for each in grpc.StatusCode if code in (each, each.value[0])), "UNKNOWN")


def _given_up(context: Context) -> str:
    """Why a call was cancelled: its time was up, or the caller, or a stop, did not want it any more."""
    left = context.time_remaining()
    return "DEADLINE_EXCEEDED" if left is not None and left <= 0 else "CANCELLED"


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
    """The caller's `x-request-id` if it sent a sane one, else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return uuid.uuid4().hex
