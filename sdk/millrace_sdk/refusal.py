"""Why a put was refused, and whether it is worth trying again.

The details of a status are read with messages of our own descriptor pool: the well-known google.rpc ones are in a
package that the SDK does not need otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, message, message_factory

DOMAIN = "millrace"
DELIVERY_TIMEOUT = "DELIVERY_TIMEOUT"

RETRYABLE_REASONS = frozenset(
    {
        "INTERNAL",
        "OTHER_RECORD_REFUSED",
        "OUTCOME_UNKNOWN",
        "OVERLOADED",
        "PRECEDING_RECORD_REFUSED",
        "STORAGE_FULL",
        "UNAVAILABLE",
        "WRITE_LIMIT_EXCEEDED",
    }
)

_RETRYABLE_CODES = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    }
)

_CERTAIN_REASONS = frozenset({"OVERLOADED", "STORAGE_FULL", "WRITE_LIMIT_EXCEEDED"})
"""Retryable reasons that say for certain that nothing was stored."""


class PutFailed(Exception):
    """A record was not acknowledged as stored.

    `reason` is the service's word (see error_reason.proto), a gRPC code where it gave none, or DELIVERY_TIMEOUT.
    `may_be_stored` tells that an attempt ended without an answer: the record may be in the stream or not.
    """

    def __init__(self, reason: str, message: str, *, may_be_stored: bool = False) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.may_be_stored = may_be_stored


def copy_of(error: Exception) -> PutFailed:
    """A PutFailed for one more caller, so that each has a stack trace of its own."""
    if isinstance(error, PutFailed):
        return PutFailed(error.reason, error.message, may_be_stored=error.may_be_stored)
    failed = PutFailed("INTERNAL", f"the producer failed: {type(error).__name__}: {error}", may_be_stored=True)
    failed.__cause__ = error
    return failed


class ProducerClosed(Exception):
    """The producer is closed and takes no more records."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a failed call said."""

    reason: str
    message: str
    is_retryable: bool
    may_be_stored: bool
    retry_after_seconds: float = 0.0


def of_error(error: grpc.aio.AioRpcError) -> Refusal:
    """Read a failed call. Details that cannot be read are as good as none."""
    code = error.code()
    reason, retry_after_seconds = _details(error.trailing_metadata())
    is_retryable = code in _RETRYABLE_CODES
    return Refusal(
        reason=reason or code.name,
        message=error.details() or code.name,
        is_retryable=is_retryable,
        may_be_stored=is_retryable and reason not in _CERTAIN_REASONS,
        retry_after_seconds=retry_after_seconds,
    )


def _details(metadata: Any) -> tuple[str, float]:
    """The reason of our ErrorInfo and the seconds of RetryInfo; "" and 0 without them."""
    reason, seconds = "", 0.0
    for key, value in metadata or ():
        if key != "grpc-status-details-bin":
            continue
        try:
            for detail in _STATUS.FromString(value).details:
                reason, seconds = _read_detail(detail, reason, seconds)
        except message.DecodeError:
            return reason, seconds
    return reason, seconds


def _read_detail(detail: any_pb2.Any, reason: str, seconds: float) -> tuple[str, float]:
    match detail.TypeName():
        case "google.rpc.ErrorInfo":
            info = _ERROR_INFO.FromString(detail.value)
            return (info.reason if info.domain == DOMAIN else reason), seconds
        case "google.rpc.RetryInfo":
            delay = _RETRY_INFO.FromString(detail.value).retry_delay
            return reason, max(0.0, delay.seconds + delay.nanos / 1e9)
    return reason, seconds


def _messages() -> Mapping[str, Any]:
    """Classes of google.rpc's Status, ErrorInfo and RetryInfo, as far as they are read here."""
    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="millrace_sdk/rpc.proto", package="google.rpc", syntax="proto3")
    file.dependency.extend([any_pb2.DESCRIPTOR.name, duration_pb2.DESCRIPTOR.name])
    field = descriptor_pb2.FieldDescriptorProto
    once, often = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    status = file.message_type.add(name="Status")
    status.field.add(name="details", number=3, label=often, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Any")
    info = file.message_type.add(name="ErrorInfo")
    info.field.add(name="reason", number=1, label=once, type=field.TYPE_STRING)
    info.field.add(name="domain", number=2, label=once, type=field.TYPE_STRING)
    retry = file.message_type.add(name="RetryInfo")
    retry.field.add(
        name="retry_delay", number=1, label=once, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Duration"
    )
    pool.Add(file)
    names = ("Status", "ErrorInfo", "RetryInfo")
    found = {name: pool.FindMessageTypeByName(f"google.rpc.{name}") for name in names}
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}


_MESSAGES = _messages()
_STATUS, _ERROR_INFO, _RETRY_INFO = _MESSAGES["Status"], _MESSAGES["ErrorInfo"], _MESSAGES["RetryInfo"]
