"""The ways to say no: what both services raise and one interceptor translates. Pure.

A refusal is a value of its own: it knows its stable `reason` (for programs), its gRPC `code`, its message (for people)
and the details that a client can act on. Nobody else needs to know gRPC to refuse a request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, NamedTuple

RETRY_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that is wrong: its path (`records[3].data`) and what it must be."""

    field: str
    description: str


class Resource(NamedTuple):
    """What a refusal is about: its type (`stream`) and its name (`orders`)."""

    type: str
    name: str


class DomainError(Exception):
    """The service refuses this request."""

    reason: ClassVar[str] = "INTERNAL"
    """A value of millrace.errors.v1.ErrorReason without its prefix."""
    code: ClassVar[str] = "INTERNAL"
    """The name of a gRPC status code."""

    def __init__(
        self,
        message: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after: timedelta | None = None,
        resource: tuple[str, str] | None = None,
    ) -> None:
        self.message = message if message is not None else first_line(type(self).__doc__)
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.resource = Resource(*resource) if resource is not None else None
        super().__init__(self.message)


class InvalidArgument(DomainError):
    """A field of the request is wrong."""

    reason = "INVALID_ARGUMENT"
    code = "INVALID_ARGUMENT"

    def __init__(self, *violations: FieldViolation) -> None:
        text = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
        metadata = {"field": violations[0].field} if violations else {}
        super().__init__(text or None, metadata=metadata, violations=violations)


class NotImplementedHere(DomainError):
    """This version does not serve that."""

    reason = "NOT_IMPLEMENTED"
    code = "UNIMPLEMENTED"

    def __init__(self, what: str, advice: str = "") -> None:
        text = f"{what} is not served by this version"
        super().__init__(f"{text}; {advice}" if advice else text, metadata={"rpc": what})


class Unavailable(DomainError):
    """The service is starting or draining."""

    reason = "UNAVAILABLE"
    code = "UNAVAILABLE"

    def __init__(self, message: str | None = None, *, retry_after: timedelta = RETRY_SOON) -> None:
        super().__init__(message, retry_after=retry_after)


class OutcomeUnknown(DomainError):
    """The database could not say whether the change is stored: it may be there or not."""

    reason = "OUTCOME_UNKNOWN"
    code = "UNAVAILABLE"


class StorageFull(DomainError):
    """The disk is full; nothing was changed. Reads, trimming and deletes go on: make room, and writing resumes."""

    reason = "STORAGE_FULL"
    code = "RESOURCE_EXHAUSTED"

    def __init__(self, message: str | None = None, *, retry_after: timedelta = timedelta(seconds=5)) -> None:
        super().__init__(message, retry_after=retry_after)


class Overloaded(DomainError):
    """More is waiting to be written than fits in memory."""

    reason = "OVERLOADED"
    code = "RESOURCE_EXHAUSTED"

    def __init__(self, *, waiting_bytes: int, waiting_bytes_max: int) -> None:
        super().__init__(
            f"{waiting_bytes} bytes are waiting to be written; at most {waiting_bytes_max} may",
            metadata={"waiting_bytes_max": str(waiting_bytes_max)},
            retry_after=RETRY_SOON,
        )


class DataLoss(DomainError):
    """Stored data is damaged or missing."""

    reason = "DATA_LOSS"
    code = "DATA_LOSS"


class Violations:
    """Collects what is wrong with a request, so that a client is told everything at once."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    def add(self, field: str, description: str) -> None:
        """Note that a field is wrong; the description says what it must be."""
        self._found.append(FieldViolation(field, description))

    def raise_if_any(self) -> None:
        """Raise InvalidArgument with all that was noted; do nothing if nothing was."""
        if self._found:
            raise InvalidArgument(*self._found)


class StartRefused(Exception):
    """The process cannot start or go on; the message is for the person who started it."""

    exit_code: ClassVar[int] = 1
    """The process ends with this code."""


def first_line(text: str | None) -> str:
    """The first line of a docstring, or nothing."""
    return (text or "").strip().partition("\n")[0]
