"""Durations and sizes as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

from millrace_cli.failure import UsageFailed

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_BYTES = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_INT32_MAX = 2**31 - 1
_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]*)")


def duration(text: str, option: str) -> timedelta:
    """Such as 90s, 15m, 36h or 7d. Raises UsageFailed with the option's name."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or found[2].lower() not in _SECONDS:
        raise UsageFailed(f"{option} is {text!r}; it must be a number with ms, s, m, h or d, such as 90s, 36h or 7d")
    try:
        return timedelta(seconds=float(found[1]) * _SECONDS[found[2].lower()])
    except OverflowError as error:
        raise UsageFailed(f"{option} is {text!r}, which is too long") from error


def size_bytes(text: str, option: str) -> int:
    """Such as 1048576, 512KiB or 1MiB. Raises UsageFailed with the option's name."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or found[2].lower() not in _BYTES:
        raise UsageFailed(f"{option} is {text!r}; it must be a number of bytes, or one with KiB, MiB or GiB")
    return round(float(found[1]) * _BYTES[found[2].lower()])


def pair(text: str, option: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE; the value may be empty and hold more of '='. Raises UsageFailed."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageFailed(f"{option} is {text!r}; it must be NAME=VALUE")
    return name, value


def duration_text(value: timedelta) -> str:
    """The shortest exact form, such as 7d or 36h."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


def size_text(value: int) -> str:
    """In the largest unit that is exact, such as 1 MiB."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value and value % factor == 0:
            return f"{value // factor} {unit}"
    return f"{value} bytes"


def whole(value: int, option: str) -> int:
    """A number of at least 1 that a message can carry, since 0 would mean the default. Raises UsageFailed."""
    if not 1 <= value <= _INT32_MAX:
        raise UsageFailed(f"{option} is {value}; it must be at least 1 and at most {_INT32_MAX:,}")
    return value
