"""Checks of single fields: what is wrong is noted with the field's path, its value and what is allowed."""

import hashlib
import re
from typing import Any

from google.protobuf import duration_pb2, message, timestamp_pb2

from chassis.errors import Violations
from mapping_service.core.ports import RequestId

PAGE_SIZE_MAX = 100
PAGE_SIZE_ALLOWED_MAX = 10_000
ETAG_LENGTH_MAX = 64
TEXT_SHOWN_MAX = 200

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NANOS_PER_SECOND = 1_000_000_000


def uuid(violations: Violations, field: str, text: str) -> str:
    """A required UUID, in small letters."""
    if not _UUID.fullmatch(text.lower()):
        violations.add(
            field, f"{text[:TEXT_SHOWN_MAX]!r} is not a UUID; an example: 7c9e6679-7425-40de-944b-e07fc1f90ae7"
        )
    return text.lower()


def request_id(violations: Violations, request: Any) -> RequestId | None:
    """The optional request id of a request, with a digest of all else that the request says."""
    if not request.request_id:
        return None
    checked = uuid(violations, "request_id", request.request_id)
    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("request_id")
    digest = hashlib.sha256(bare.SerializeToString(deterministic=True)).digest()
    return RequestId(request_id=checked, digest=digest)


def page_size(violations: Violations, asked: int) -> int:
    """Entries of a page: 100 unless fewer are asked for."""
    if not 0 <= asked <= PAGE_SIZE_ALLOWED_MAX:
        violations.add("page_size", f"{asked:,} is out of range: 0 to {PAGE_SIZE_ALLOWED_MAX:,} are allowed")
        return PAGE_SIZE_MAX
    return min(asked or PAGE_SIZE_MAX, PAGE_SIZE_MAX)


def etag(violations: Violations, field: str, text: str) -> str | None:
    """An optional etag."""
    if len(text) > ETAG_LENGTH_MAX:
        violations.add(field, f"has {len(text)} characters: at most {ETAG_LENGTH_MAX} are allowed")
    return text or None


def whole_seconds(violations: Violations, field: str, duration: duration_pb2.Duration) -> int:
    """A duration in whole seconds; its range is checked elsewhere."""
    if duration.nanos:
        violations.add(field, f"{duration.seconds} s {duration.nanos} ns is not in whole seconds")
    return int(duration.seconds)


def seconds(violations: Violations, field: str, duration: duration_pb2.Duration) -> float:
    """A duration; its range is checked elsewhere."""
    if not -NANOS_PER_SECOND < duration.nanos < NANOS_PER_SECOND or duration.seconds * duration.nanos < 0:
        violations.add(field, f"{duration.seconds} s {duration.nanos} ns is not a duration")
    return float(duration.seconds) + duration.nanos / NANOS_PER_SECOND


def millis(violations: Violations, field: str, time: timestamp_pb2.Timestamp) -> int:
    """A time in unix milliseconds; part of one is dropped."""
    if not 0 <= time.nanos < NANOS_PER_SECOND:
        violations.add(field, f"has {time.nanos} nanos: 0 to 999,999,999 are allowed")
    return int(time.seconds * 1000 + time.nanos // 1_000_000)


def output_only(violations: Violations, of: message.Message, prefix: str, fields: tuple[str, ...]) -> None:
    """Refuse fields that only answers have."""
    is_set = {descriptor.name for descriptor, _ in of.ListFields()}
    for name in fields:
        if name in is_set:
            violations.add(f"{prefix}.{name}", "is set by the service; leave it unset")


def mask_paths(violations: Violations, paths: list[str], *, allowed: frozenset[str]) -> list[str]:
    """The paths of an update mask, each once."""
    if not paths:
        violations.add("update_mask", "is required: name the fields to change")
    for path in paths:
        if path not in allowed:
            known = ", ".join(sorted(allowed))
            violations.add("update_mask", f"{path[:TEXT_SHOWN_MAX]!r} cannot be changed; these can: {known}")
    return list(dict.fromkeys(paths))
