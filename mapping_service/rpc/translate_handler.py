"""Handlers between the wire and the core, and test batches for them."""

import uuid
from typing import Any

from google.protobuf import duration_pb2
from millrace.handler.v1 import handler_service_pb2
from millrace.mapping.v1 import handler_registry_service_pb2 as pb

from chassis.errors import Violations
from mapping_service.core import names
from mapping_service.core.handler import TIMEOUT_SECONDS_DEFAULT, Handler
from mapping_service.core.policy import BATCH_SIZE_MAX, PAYLOAD_BYTES_MAX
from mapping_service.rpc import fields
from mapping_service.service import ProbeResult

_OUTPUT_ONLY = ("create_time", "etag")
_UNBUILT = frozenset({"maximum_concurrency", "role_name", "tls"})
_CHANGEABLE = frozenset({"endpoint", "timeout", *_UNBUILT})
TEST_SHARD_INDEX = 0


def draft(message: pb.Handler, violations: Violations) -> Handler:
    """A new handler as it was asked for; the core checks what it can."""
    fields.output_only(violations, message, "handler", _OUTPUT_ONLY)
    _refuse_unbuilt(message, violations)
    return Handler(
        handler_name=message.handler_name,
        endpoint=message.endpoint,
        timeout_seconds=_timeout_seconds(message, violations),
        create_millis=0,
    )


def change(message: pb.Handler, paths: list[str], violations: Violations) -> dict[str, Any]:
    """The new values of an update. A timeout that is named and unset goes back to its default."""
    named = fields.mask_paths(violations, paths, allowed=_CHANGEABLE)
    handler_name(violations, "handler.handler_name", message.handler_name)
    if not _UNBUILT.isdisjoint(named):
        _refuse_unbuilt(message, violations)
    return {
        "endpoint": message.endpoint if "endpoint" in named else None,
        "timeout_seconds": _timeout_seconds(message, violations) if "timeout" in named else None,
        "etag": fields.etag(violations, "handler.etag", message.etag),
    }


def handler_name(violations: Violations, field: str, text: str) -> str:
    """A required handler name."""
    if not names.is_handler_name(text):
        violations.add(field, f"{text[: fields.TEXT_SHOWN_MAX]!r} is not {names.HANDLER_NAME_FORM}")
    return text


def message_of(handler: Handler) -> pb.Handler:
    """A handler with its effective values."""
    message = pb.Handler(handler_name=handler.handler_name, endpoint=handler.endpoint, etag=handler.etag)
    message.timeout.FromMilliseconds(round(handler.timeout_seconds * 1000))
    message.create_time.FromMilliseconds(handler.create_millis)
    return message


def encoded_test_batch(request: pb.InvokeHandlerRequest, violations: Violations) -> bytes:
    """An encoded InvokeRequest with the records of a test; those without a sequence number get one."""
    if len(request.records) > BATCH_SIZE_MAX:
        violations.add("records", f"{len(request.records):,} records are given: at most {BATCH_SIZE_MAX:,} are allowed")
    size_bytes = sum(_size_bytes(record) for record in request.records)
    if size_bytes > PAYLOAD_BYTES_MAX and len(request.records) > 1:
        violations.add("records", f"they have {size_bytes:,} bytes: at most {PAYLOAD_BYTES_MAX:,} are allowed")
    batch = handler_service_pb2.InvokeRequest(records=request.records, invocation_id=str(uuid.uuid4()), attempt=1)
    for place, record in enumerate(batch.records):
        if not record.sequence_number:
            record.sequence_number = names.sequence_number(place + 1, TEST_SHARD_INDEX)
        elif names.parse_sequence_number(record.sequence_number) is None:
            text = f"{record.sequence_number[: fields.TEXT_SHOWN_MAX]!r} is not 30 digits"
            violations.add(f"records[{place}].sequence_number", text)
    return batch.SerializeToString()


def probe_message(probe: ProbeResult) -> pb.InvokeHandlerResponse:
    """What a test call came to."""
    message = pb.InvokeHandlerResponse(status_code=probe.status_code, status_message=probe.status_message)
    message.duration.CopyFrom(_duration(probe.seconds))
    if probe.response is not None:
        message.response.ParseFromString(probe.response)
    return message


def _timeout_seconds(message: pb.Handler, violations: Violations) -> float:
    if not message.HasField("timeout"):
        return TIMEOUT_SECONDS_DEFAULT
    return fields.seconds(violations, "handler.timeout", message.timeout)


def _refuse_unbuilt(message: pb.Handler, violations: Violations) -> None:
    for name in ("maximum_concurrency", "tls"):
        if message.HasField(name):
            violations.add(f"handler.{name}", "is not served by this version: leave it unset")
    if message.role_name:
        violations.add("handler.role_name", "is not served by this version: leave it empty")


def _size_bytes(record: Any) -> int:
    attributes = sum(len(key.encode()) + len(value.encode()) for key, value in record.attributes.items())
    return len(record.partition_key.encode()) + len(record.data) + attributes


def _duration(seconds: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromMicroseconds(round(seconds * 1_000_000))
    return duration
