"""Times and durations of messages."""

from __future__ import annotations

from google.protobuf import duration_pb2, timestamp_pb2

from chassis.errors import FieldViolation, InvalidArgument

NANOS = 1_000_000_000
_SECONDS_MIN, _SECONDS_MAX = -62_135_596_800, 253_402_300_799


def millis_of(field: str, time: timestamp_pb2.Timestamp) -> int:
    """Milliseconds since 1970. Raises InvalidArgument if it is no valid time."""
    if not 0 <= time.nanos < NANOS or not _SECONDS_MIN <= time.seconds <= _SECONDS_MAX:
        text = f"{time.seconds} s and {time.nanos} ns is not a valid time: years 1 to 9999, nanos 0 to 999999999"
        raise InvalidArgument(FieldViolation(field, text))
    return time.seconds * 1000 + time.nanos // 1_000_000


def time_of(unix_millis: int) -> timestamp_pb2.Timestamp:
    """A time."""
    return timestamp_pb2.Timestamp(seconds=unix_millis // 1000, nanos=unix_millis % 1000 * 1_000_000)


def is_normal(duration: duration_pb2.Duration) -> bool:
    """Whether seconds and nanos agree in their sign, as they have to."""
    return abs(duration.nanos) < NANOS and duration.seconds * duration.nanos >= 0
