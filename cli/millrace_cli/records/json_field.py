"""A field of a JSON value by its dotted path."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final


class Missing:
    """What a path finds where there is nothing; JSON's null is a value."""


MISSING: Final = Missing()


def parse_path(path: str) -> tuple[str, ...]:
    """`a.b.0` as its steps; a dot in front says only that a field is meant."""
    return tuple(path.removeprefix(".").split("."))


def find(value: Any, steps: Sequence[str]) -> Any:
    """What lies there: members of objects by name, items of lists by number from 0; MISSING otherwise."""
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdecimal() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            return MISSING
    return value


def parse(data: bytes) -> Any:
    """The data read as JSON; MISSING when it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return MISSING


def as_text(value: Any) -> str:
    """Texts as they are, everything else as JSON writes it; empty for what is missing."""
    if isinstance(value, str):
        return value
    return "" if value is MISSING else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
