"""Sizes and counts, checked before anything is written. What is wrong in itself refuses the whole request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chassis.errors import Violations
from stream_service.core import names, router, stream, tags

PARTITION_KEY_CHARACTERS_MAX = 256
RECORDS_MAX = 500
REQUEST_BYTES_MAX = 10 << 20
PAGE_SIZE_MAX = 10_000
_INT64_MAX = (1 << 63) - 1
ATTRIBUTES_MAX = 50
ATTRIBUTE_NAME_CHARACTERS_MAX = 128
ATTRIBUTE_VALUE_CHARACTERS_MAX = 4_096
PRODUCER_ID_BYTES = 16
BYTES_PER_SECOND = (1 << 10, 1 << 40)
RECORDS_PER_SECOND = (1, 1_000_000_000)
CALLS_PER_SECOND = (1, 1_000_000)


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
    check_settings(problems, "", spec)


def check_settings(problems: Violations, path: str, spec: stream.StreamSpec) -> None:
    """What may be changed later, too."""
    hours = (stream.RETENTION_SECONDS_MIN, stream.RETENTION_SECONDS_MAX)
    if not hours[0] <= spec.retention_seconds <= hours[1]:
        text = f"{spec.retention_seconds} s must be between {hours[0]} s and {hours[1]} s"
        problems.add(f"{path}retention_period", text)
    bounds = (stream.RECORD_BYTES_MIN, stream.RECORD_BYTES_MAX)
    check_range(problems, f"{path}max_record_size_bytes", spec.record_bytes_max, bounds)
    tags.check(problems, f"{path}tags", dict(spec.tags))
    if spec.retention_bytes:
        least = (stream.RETENTION_BYTES_MIN, _INT64_MAX)
        check_range(problems, f"{path}retention_bytes_per_shard", spec.retention_bytes, least)
    write, read = spec.write_limits, spec.read_limits
    check_rate(problems, f"{path}write_limits.bytes_per_second", write.bytes_per_second, BYTES_PER_SECOND)
    check_rate(problems, f"{path}write_limits.records_per_second", write.records_per_second, RECORDS_PER_SECOND)
    check_rate(problems, f"{path}read_limits.bytes_per_second", read.bytes_per_second, BYTES_PER_SECOND)
    check_rate(problems, f"{path}read_limits.calls_per_second", read.calls_per_second, CALLS_PER_SECOND)


def check_rate(problems: Violations, field: str, value: int, bounds: tuple[int, int]) -> None:
    """A number a second, or 0 for none."""
    if value:
        check_range(problems, field, value, bounds)


def check_attributes(problems: Violations, field: str, attributes: Mapping[str, str]) -> None:
    """How many named values a record has, and how long they are."""
    if len(attributes) > ATTRIBUTES_MAX:
        problems.add(field, f"has {len(attributes)} attributes; at most {ATTRIBUTES_MAX} are allowed")
        return
    for name, value in attributes.items():
        shown = f"{field}[{name[:60]!r}]"
        if not 0 < len(name) <= ATTRIBUTE_NAME_CHARACTERS_MAX:
            problems.add(shown, f"the name has {len(name)} characters; must have 1 to {ATTRIBUTE_NAME_CHARACTERS_MAX}")
        if len(value) > ATTRIBUTE_VALUE_CHARACTERS_MAX:
            text = f"the value has {len(value)} characters; at most {ATTRIBUTE_VALUE_CHARACTERS_MAX} are allowed"
            problems.add(shown, text)


def check_producer(problems: Violations, path: str, producer_id: bytes, producer_sequence: int) -> None:
    """Both or none: 16 bytes and a positive number."""
    if producer_id and len(producer_id) != PRODUCER_ID_BYTES:
        problems.add(f"{path}producer_id", f"has {len(producer_id)} bytes; must have {PRODUCER_ID_BYTES}, or none")
    elif producer_id and producer_sequence <= 0:
        problems.add(f"{path}producer_sequence", f"{producer_sequence} must be positive with a producer_id")
    elif not producer_id and producer_sequence:
        problems.add(f"{path}producer_sequence", f"{producer_sequence} must be unset without a producer_id")


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
        problems.add(
            "records",
            f"has {total} bytes of keys, data and attributes together; at most {REQUEST_BYTES_MAX} are allowed",
        )


def _shown(text: str) -> str:
    """A value as it may stand in a message."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
