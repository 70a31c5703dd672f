"""From a refusal to google.rpc.Status: exactly one ErrorInfo, and the details that fit."""

from typing import NamedTuple

import grpc
from google.protobuf import any_pb2, message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types

from chassis.errors import DomainError

DOMAIN = "millrace"
"""ErrorInfo.domain of every refusal."""

STATUS_METADATA_KEY = "grpc-status-details-bin"

MESSAGE_BYTES_MAX = 1_000
"""A longer text is cut. It travels twice, percent-encoded and in the details, and clients take 8 KiB of metadata."""

VIOLATIONS_BYTES_MAX = 2_000
"""Field violations beyond this are left out, for the same reason; the first ones say enough to go on."""

DESCRIPTION_BYTES_MAX = 500
NAME_BYTES_MAX = 250
_ENCODED_BYTES_MAX = 12


class Refusal(NamedTuple):
    """What goes on the wire: the code, the text for people, and a serialized google.rpc.Status."""

    code: grpc.StatusCode
    text: str
    status: bytes


def refusal_of(error: DomainError, request_id: str) -> Refusal:
    """What tells a client all about a refusal."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    info.metadata.update({key: _cut(value, NAME_BYTES_MAX) for key, value in error.metadata.items()})
    details: list[message.Message] = [info]
    if error.violations:
        details.append(_bad_request(error))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(error.retry_after)
        details.append(retry)
    if error.resource is not None:
        resource = error.resource
        details.append(error_details_pb2.ResourceInfo(resource_type=resource.type, resource_name=resource.name))
    return _refusal(grpc.StatusCode[error.code], error.message, request_id, details)


def internal_refusal(request_id: str) -> Refusal:
    """What tells of an error that was not foreseen: a fixed text, and the id under which the log has the rest."""
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN)
    text = f"internal error; the service's log has the details under the request id {request_id}"
    return _refusal(grpc.StatusCode.INTERNAL, text, request_id, [info])


def _refusal(code: grpc.StatusCode, text: str, request_id: str, details: list[message.Message]) -> Refusal:
    cut = _cut(text, MESSAGE_BYTES_MAX)
    status = status_pb2.Status(code=code.value[0], message=cut)
    details.append(error_details_pb2.RequestInfo(request_id=request_id))
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return Refusal(code, cut, status.SerializeToString())


def _bad_request(error: DomainError) -> error_details_pb2.BadRequest:
    bad_request = error_details_pb2.BadRequest()
    for violation in error.violations:
        bad_request.field_violations.add(
            field=_cut(violation.field, NAME_BYTES_MAX),
            description=_cut(violation.description, DESCRIPTION_BYTES_MAX),
            reason=error.reason,
        )
        if bad_request.ByteSize() > VIOLATIONS_BYTES_MAX and len(bad_request.field_violations) > 1:
            del bad_request.field_violations[-1]
            break
    return bad_request


def _cut(text: str, encoded_bytes_max: int) -> str:
    """The beginning of a text that takes at most so many bytes when percent-encoded, as a status message is."""
    if len(text) * _ENCODED_BYTES_MAX <= encoded_bytes_max:
        return text
    left = encoded_bytes_max
    for place, character in enumerate(text):
        left -= 1 if " " <= character <= "~" and character != "%" else 3 * len(character.encode())
        if left < 0:
            return text[:place]
    return text
