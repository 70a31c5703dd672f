"""Names and numbers as they stand on the wire."""

import re

STREAM_PREFIX = "streams/"
NUMBER_DIGITS = 20
INDEX_DIGITS = 10
HANDLER_NAME_FORM = "a handler's name: 1 to 64 characters of a-z A-Z 0-9 _ . - are needed"
MILLIS_SHIFT = 20
"""A number is unix milliseconds shifted by this, plus a count: its time is the record's arrival (rule L3)."""

_EVENT_SOURCE = re.compile(r"streams/[a-zA-Z0-9_.-]{1,128}")
_HANDLER_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_SHARD_ID = re.compile(r"shardId-([0-9]{12})")
_SEQUENCE_NUMBER = re.compile(r"([0-9]{20})([0-9]{10})")


def is_event_source(text: str) -> bool:
    """Whether this is the resource name of a stream: `streams/orders`."""
    return _EVENT_SOURCE.fullmatch(text) is not None


def stream_of(event_source: str) -> str:
    """Name of the stream: `orders` of `streams/orders`."""
    return event_source.removeprefix(STREAM_PREFIX)


def is_handler_name(text: str) -> bool:
    """Whether a handler may have this name."""
    return _HANDLER_NAME.fullmatch(text) is not None


def shard_index(shard_id: str) -> int:
    """Index of a shard: 3 of `shardId-000000000003`. Raises ValueError when it is not a shard id."""
    match = _SHARD_ID.fullmatch(shard_id)
    if match is None:
        raise ValueError(f"{shard_id!r} is not a shard id")
    return int(match[1])


def sequence_number(number: int, shard_index: int) -> str:
    """The 30 digits of a record's sequence number."""
    return f"{number:020d}{shard_index:010d}"


def parse_sequence_number(text: str) -> tuple[int, int] | None:
    """Number and shard index of 30 digits; None when the text is no sequence number."""
    match = _SEQUENCE_NUMBER.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def arrival_millis(number: int) -> int:
    """When the record with this number arrived, in unix milliseconds of the stream service's clock."""
    return number >> MILLIS_SHIFT


def first_number_at(millis: int) -> int:
    """The lowest number that a record arriving at this time can have."""
    return max(millis, 0) << MILLIS_SHIFT
