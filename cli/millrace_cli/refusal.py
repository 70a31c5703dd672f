"""The one place that turns a failed call into a message for people and an exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types

from millrace_cli import error_catalogue
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import VerbFailed

DOMAIN = "millrace"
_DETAILS_KEY = "grpc-status-details-bin"
_CODES = {
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "UNAVAILABLE": ExitCode.UNAVAILABLE,
    "DEADLINE_EXCEEDED": ExitCode.UNAVAILABLE,
    "CANCELLED": ExitCode.UNAVAILABLE,
    "INTERNAL": ExitCode.FAILED,
    "UNKNOWN": ExitCode.FAILED,
    "DATA_LOSS": ExitCode.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a failed call said. Empty texts and 0 where it said nothing."""

    code: str
    message: str
    reason: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    request_id: str = ""
    retry_seconds: float = 0.0

    @property
    def is_of_millrace(self) -> bool:
        """Whether one of our services said it, rather than gRPC or something else that listens there."""
        return bool(self.reason)

    @property
    def exit_code(self) -> ExitCode:
        """What the verb ends with."""
        if self.retry_seconds:
            return ExitCode.UNAVAILABLE
        return _CODES.get(self.code, ExitCode.REFUSED)


class CallFailed(VerbFailed):
    """A call failed; `refusal` is what it said."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(text, refusal.exit_code)
        self.refusal = refusal


def of_error(error: grpc.RpcError) -> Refusal:
    """Read a failed call. Details that cannot be read are as good as none."""
    failed: Any = error
    found: dict[str, Any] = {}
    for detail in _details(failed.trailing_metadata()):
        found |= _read(detail)
    return Refusal(code=failed.code().name, message=failed.details() or "", **found)


def as_text(refusal: Refusal, *, what: str, address: str, option: str, timeout_seconds: float) -> str:
    """What to tell the user: what was refused, each field with its value, the reason, and what to do next.

    `what` is the RPC, `option` the option that names the address.
    """
    if not refusal.is_of_millrace:
        return _of_strangers(refusal, what=what, address=address, option=option, timeout_seconds=timeout_seconds)
    lines = [f"{what} was refused: {refusal.message or refusal.code}"]
    lines += [f"  {field}: {description}" for field, description in refusal.fields if field not in refusal.message]
    facts = [f"reason {refusal.reason}"]
    if refusal.request_id:
        facts.append(f"request id {refusal.request_id}")
    if refusal.retry_seconds:
        facts.append(f"try again in {refusal.retry_seconds:g} s")
    known = error_catalogue.find(refusal.reason)
    advice = f"{known['advice'].partition('. ')[0].removesuffix('.')}. " if known else ""
    return "\n".join([*lines, f"  {', '.join(facts)}", f"  {advice}`millrace errors {refusal.reason}` tells more."])


def _of_strangers(refusal: Refusal, *, what: str, address: str, option: str, timeout_seconds: float) -> str:
    match refusal.code:
        case "UNAVAILABLE":
            return (
                f"nothing answers at {address}; start it with `make dev` (`millrace dev`), or name another with "
                f"{option}.\n"
                f"  gRPC says: {refusal.message}"
            )
        case "DEADLINE_EXCEEDED":
            return (
                f"{what} was not answered by {address} within {timeout_seconds:g} s; what it was to change may be "
                "changed or not. Give it more time with --timeout."
            )
        case "UNIMPLEMENTED":
            return (
                f"what answers at {address} does not know {what}: it is another service or another version. "
                f"Name the right one with {option}."
            )
    return f"{what} failed at {address}: {refusal.code}: {refusal.message}"


def _details(metadata: Iterable[tuple[str, Any]] | None) -> list[Any]:
    for key, value in metadata or ():
        if key == _DETAILS_KEY:
            try:
                return list(status_pb2.Status.FromString(value).details)
            except message.DecodeError:
                return []
    return []


def _read(detail: Any) -> dict[str, Any]:
    """What one detail says, by the field of Refusal."""
    try:
        match detail.TypeName():
            case "google.rpc.ErrorInfo":
                info = error_details_pb2.ErrorInfo.FromString(detail.value)
                return {"reason": info.reason} if info.domain == DOMAIN else {}
            case "google.rpc.BadRequest":
                violations = error_details_pb2.BadRequest.FromString(detail.value).field_violations
                return {"fields": tuple((each.field, each.description) for each in violations)}
            case "google.rpc.RetryInfo":
                delay = error_details_pb2.RetryInfo.FromString(detail.value).retry_delay
                return {"retry_seconds": max(0.0, delay.seconds + delay.nanos / 1e9)}
            case "google.rpc.RequestInfo":
                return {"request_id": error_details_pb2.RequestInfo.FromString(detail.value).request_id}
    except message.DecodeError:
        pass
    return {}
