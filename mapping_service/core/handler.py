"""A handler as it is registered: where records are brought to."""

import re
from dataclasses import dataclass, replace

from chassis.errors import Violations
from mapping_service.core import names
from mapping_service.core.errors import EtagMismatch

TIMEOUT_SECONDS_DEFAULT = 3.0
TIMEOUT_SECONDS_MIN = 1.0
TIMEOUT_SECONDS_MAX = 900.0
ENDPOINT_LENGTH_MAX = 255
PORT_MAX = 65_535

_ENDPOINT = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?):([0-9]{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A program that answers HandlerService at an endpoint. It need not be up."""

    handler_name: str
    """Unique, immutable."""
    endpoint: str
    """`host:port` or `[ipv6]:port`."""
    timeout_seconds: float = TIMEOUT_SECONDS_DEFAULT
    """Longest time that one invoke may take: 1 to 900."""
    version: int = 1
    """Raised by each change."""
    create_millis: int
    """Unix milliseconds."""

    @property
    def etag(self) -> str:
        """Opaque name of this version."""
        return str(self.version)


def register(draft: Handler, *, now_millis: int) -> Handler:
    """Check a new handler. Raises InvalidArgument with all that is wrong."""
    _check(draft)
    return replace(draft, version=1, create_millis=now_millis)


def update(
    handler: Handler, *, endpoint: str | None = None, timeout_seconds: float | None = None, etag: str | None = None
) -> Handler:
    """The handler with new values; None keeps one. Raises InvalidArgument, or EtagMismatch for another version."""
    if etag is not None and etag != handler.etag:
        raise EtagMismatch(etag)
    changed = replace(
        handler,
        endpoint=handler.endpoint if endpoint is None else endpoint,
        timeout_seconds=handler.timeout_seconds if timeout_seconds is None else timeout_seconds,
        version=handler.version + 1,
    )
    _check(changed)
    return changed


def is_endpoint(text: str) -> bool:
    """Whether this is `host:port` with a port of 1 to 65,535."""
    match = _ENDPOINT.fullmatch(text)
    return match is not None and len(text) <= ENDPOINT_LENGTH_MAX and 1 <= int(match[1]) <= PORT_MAX


def _check(handler: Handler) -> None:
    violations = Violations()
    if not names.is_handler_name(handler.handler_name):
        violations.add(
            "handler.handler_name",
            f"{handler.handler_name[:200]!r} is not {names.HANDLER_NAME_FORM}",
        )
    if not is_endpoint(handler.endpoint):
        violations.add(
            "handler.endpoint",
            f"{handler.endpoint[:200]!r} is not host:port (or [ipv6]:port) of at most {ENDPOINT_LENGTH_MAX} characters",
        )
    if not TIMEOUT_SECONDS_MIN <= handler.timeout_seconds <= TIMEOUT_SECONDS_MAX:
        violations.add(
            "handler.timeout",
            f"{handler.timeout_seconds:g} seconds is out of range: "
            f"{TIMEOUT_SECONDS_MIN:g} to {TIMEOUT_SECONDS_MAX:g} seconds are allowed",
        )
    violations.raise_if_any()
