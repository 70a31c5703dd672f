"""Sizes and counts, checked before anything is written. What is wrong in itself refuses the whole request."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import Violations
from stream_service.core import names, router, stream

PARTITION_KEY_CHARACTERS_MAX = 256
RECORDS_MAX = 500
REQUEST_BYTES_MAX = 10 << 20
PAGE_SIZE_MAX = 10_000
_VIOLATIONS_MAX = 20


def check_name(problems: Violations, field: str, name: str) -> None:
    """A stream's name."""
    if not names.is_stream_name(name):
        problems.add(field, f"{_shown(name)} {names.NAME_RULE}")


def check_uuid(problems: Violations, field: str, text: str) -> None:
    """A UUID, or nothing."""
    if text and not names.is_uuid(text):
        problems.add(field, f"{_shown(text)} must be a UUID")


def check_range(problems: Violations, field: str, value: int, bounds: tuple[int, int]) -> None:
    """A whole number within bounds."""
    if not bounds[0] <= value <= bounds[1]:
        problems.add(field, f"{value} must be between {bounds[0]} and {bounds[1]}")


def check_spec(problems: Violations, spec: stream.StreamSpec) -> None:
    """What a new stream asks for."""
    check_name(problems, "stream_name", spec.name)
    check_range(problems, "shard_count", spec.shard_count, (1, stream.SHARD_COUNT_MAX))
    hours = (stream.RETENTION_SECONDS_MIN, stream.RETENTION_SECONDS_MAX)
    if not hours[0] <= spec.retention_seconds <= hours[1]:
        problems.add("retention_period", f"{spec.retention_seconds} s must be between {hours[0]} s and {hours[1]} s")
    bounds = (stream.RECORD_BYTES_MIN, stream.RECORD_BYTES_MAX)
    check_range(problems, "max_record_size_bytes", spec.record_bytes_max, bounds)


def check_partition_key(problems: Violations, field: str, key: str) -> None:
    """1 to 256 characters."""
    if not 0 < len(key) <= PARTITION_KEY_CHARACTERS_MAX:
        problems.add(field, f"has {len(key)} characters; must have 1 to {PARTITION_KEY_CHARACTERS_MAX}")


def check_hash_key(problems: Violations, field: str, text: str) -> None:
    """An explicit hash key, or nothing."""
    if text and router.parse_hash_key(text) is None:
        problems.add(field, f"{_shown(text)} must be a whole number from 0 to 2^128 - 1 without leading zeros")


def check_request(problems: Violations, sizes: Sequence[int]) -> None:
    """How many records a PutRecords has, and how many bytes together."""
    if not 0 < len(sizes) <= RECORDS_MAX:
        problems.add("records", f"has {len(sizes)} records; must have 1 to {RECORDS_MAX}")
    elif (total := sum(sizes)) > REQUEST_BYTES_MAX:
        problems.add("records", f"has {total} bytes of keys and data together; at most {REQUEST_BYTES_MAX} are allowed")


def _shown(text: str) -> str:
    """A value as it may stand in a message."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
