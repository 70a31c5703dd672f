"""Calls handlers: HandlerClient over gRPC (rule D1). The records go out as the bytes that came in (rule D6)."""

import time
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types
from millrace.handler.v1 import handler_service_pb2

from chassis.process import limits
from chassis.process.tracing import TRACE_PARENT, Tracing
from mapping_service.core.answer import Answer, Answered, CallFailed, InBandError
from mapping_service.core.handler import Handler
from mapping_service.core.ports import Call
from mapping_service.pollers.connection import Connection

METHOD = "/millrace.handler.v1.HandlerService/Invoke"
STATUS_KEY = "grpc-status-details-bin"

NO_RESPONSE = "the answer is no InvokeResponse"

ERROR_TYPE_LENGTH_MAX = 128
ERROR_LENGTH_MAX = 1024
PROBE_ANSWER_BYTES_MAX = limits.MESSAGE_BYTES_MAX - 64 * 1024
"""A larger answer to a test would not fit into the message that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a test call came to."""

    response: bytes | None
    """The encoded InvokeResponse; None when the call failed."""
    status_code: str
    status_message: str
    seconds: float


class GrpcHandlerClient:
    """HandlerClient; see there for the promises. One connection for each endpoint. Made on the running loop."""

    def __init__(self, traces: Tracing | None = None) -> None:
        """`traces` makes a span of each delivery."""
        self._traces = traces
        self._lines: dict[str, _Line] = {}

    async def invoke(self, handler: Handler, call: Call) -> Answer:
        """See HandlerClient."""
        line = self._line(handler.endpoint)
        async with line:
            if not await line.connection.ready():
                return _not_connected(handler)
            request = b"".join((*call.batch.parts(), _envelope(call)))
            try:
                if self._traces is None:
                    payload = await line.invoke(request, timeout=handler.timeout_seconds)
                else:
                    payload = await _invoke_traced(self._traces, line, request, call, handler)
            except grpc.aio.AioRpcError as error:
                return _failed(error)
        return _answered(payload)

    async def probe(self, handler: Handler, request: bytes) -> Probe:
        """Send an encoded InvokeRequest once. Raises nothing."""
        line = self._line(handler.endpoint)
        begin = time.monotonic()
        async with line:
            if not await line.connection.ready():
                failed = _not_connected(handler)
                seconds = time.monotonic() - begin
                return Probe(response=None, status_code=failed.code, status_message=failed.message, seconds=seconds)
            try:
                payload = await line.invoke(request, timeout=handler.timeout_seconds)
            except grpc.aio.AioRpcError as error:
                seconds = time.monotonic() - begin
                text = error.details() or ""
                return Probe(response=None, status_code=error.code().name, status_message=text, seconds=seconds)
        return _probed(payload, time.monotonic() - begin)

    async def forget(self, endpoint: str) -> None:
        """No handler has this endpoint any more: close its connection once the calls under way have ended."""
        line = self._lines.pop(endpoint, None)
        if line is not None:
            await line.retire()

    async def close(self) -> None:
        """Close all connections; calls under way are cancelled."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            await line.connection.close()

    def _line(self, endpoint: str) -> "_Line":
        line = self._lines.get(endpoint)
        if line is None:
            line = self._lines[endpoint] = _Line(endpoint)
        return line


class _Line:
    """The connection to an endpoint, and how many calls it has under way: the block around a call is one."""

    def __init__(self, endpoint: str) -> None:
        self.connection = Connection(endpoint)
        self.invoke: Any = self.connection.channel.unary_unary(METHOD)
        self._calls = 0
        self._is_retired = False

    async def __aenter__(self) -> "_Line":
        self._calls += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._calls -= 1
        if self._is_retired and self._calls == 0:
            await self.connection.close()

    async def retire(self) -> None:
        self._is_retired = True
        if self._calls == 0:
            await self.connection.close()


async def _invoke_traced(traces: Tracing, line: _Line, request: bytes, call: Call, handler: Handler) -> bytes:
    """The call within a span, which goes along in its metadata. Raises as the call does."""
    attributes = {
        "messaging.batch.message_count": call.batch.count,
        "millrace.mapping_id": call.mapping_id,
        "millrace.event_source": call.event_source,
        "millrace.shard_id": call.shard_id,
        "millrace.handler_name": handler.handler_name,
        "millrace.invocation_id": call.invocation_id,
        "millrace.attempt": call.attempt,
    }
    with traces.deliver(METHOD.removeprefix("/"), _carriers(request), attributes) as delivery:
        try:
            answer: bytes = await line.invoke(request, timeout=handler.timeout_seconds, metadata=delivery.metadata)
        except grpc.aio.AioRpcError as error:
            delivery.code = error.code().name
            raise
        delivery.code = "OK"
        return answer


def _carriers(request: bytes) -> list[dict[str, str]]:
    """The attributes of records that carry a trace context. Records are decoded only where there is one."""
    if TRACE_PARENT.encode() not in request:
        return []
    records = handler_service_pb2.InvokeRequest.FromString(request).records
    return [dict(record.attributes) for record in records if TRACE_PARENT in record.attributes]


def _envelope(call: Call) -> bytes:
    """Everything of the request but its records, whose encoding it follows: the order of fields does not matter."""
    return handler_service_pb2.InvokeRequest(
        invocation_id=call.invocation_id,
        mapping_id=call.mapping_id,
        event_source=call.event_source,
        shard_id=call.shard_id,
        attempt=call.attempt,
        epoch=call.epoch,
    ).SerializeToString()


def _answered(payload: bytes) -> Answer:
    try:
        response = handler_service_pb2.InvokeResponse.FromString(payload)
    except DecodeError:
        return CallFailed(code="INTERNAL", message=NO_RESPONSE)
    failures = tuple(failure.sequence_number for failure in response.batch_item_failures)
    if not response.HasField("error"):
        return Answered(failures=failures)
    error = response.error
    return Answered(
        failures=failures,
        error=InBandError(
            type=error.type[:ERROR_TYPE_LENGTH_MAX],
            message=error.message[:ERROR_LENGTH_MAX],
            retryable=error.retryable if error.HasField("retryable") else True,
        ),
    )


def _probed(payload: bytes, seconds: float) -> Probe:
    """What an answer to a test is: one that a mapping could not use either is a failed call, as it would be there."""
    if len(payload) > PROBE_ANSWER_BYTES_MAX:
        text = f"the answer has {len(payload):,} bytes: at most {PROBE_ANSWER_BYTES_MAX:,} can be shown"
        return Probe(response=None, status_code="RESOURCE_EXHAUSTED", status_message=text, seconds=seconds)
    try:
        handler_service_pb2.InvokeResponse.FromString(payload)
    except DecodeError:
        return Probe(response=None, status_code="INTERNAL", status_message=NO_RESPONSE, seconds=seconds)
    return Probe(response=payload, status_code="OK", status_message="", seconds=seconds)


def _not_connected(handler: Handler) -> CallFailed:
    message = f"cannot connect to handler {handler.handler_name} at {handler.endpoint}"
    return CallFailed(code="UNAVAILABLE", message=message, began_ready=False)


def _failed(error: grpc.aio.AioRpcError) -> CallFailed:
    return CallFailed(
        code=error.code().name,
        message=(error.details() or "")[:ERROR_LENGTH_MAX],
        retry_after_seconds=_retry_after_seconds(error),
    )


def _retry_after_seconds(error: grpc.aio.AioRpcError) -> float | None:
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_KEY and isinstance(value, bytes):
            return _retry_delay_seconds(value)
    return None


def _retry_delay_seconds(encoded: bytes) -> float | None:
    retry = error_details_pb2.RetryInfo()
    try:
        for detail in status_pb2.Status.FromString(encoded).details:
            if detail.Is(retry.DESCRIPTOR) and detail.Unpack(retry):
                return max(0.0, float(retry.retry_delay.seconds) + float(retry.retry_delay.nanos) / 1e9)
    except DecodeError:
        return None
    return None
