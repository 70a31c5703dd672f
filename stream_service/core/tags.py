"""Labels of streams (kinesis.md 6.4)."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.errors import Violations

TAGS_MAX = 50
KEY_CHARACTERS_MAX = 128
VALUE_CHARACTERS_MAX = 256
RESERVED_PREFIX = "aws:"
_MARKS = frozenset("_./=+-@: ")
_RULE = "letters, digits, spaces and _ . / = + - @ :"


def check(problems: Violations, field: str, tags: Mapping[str, str]) -> None:
    """How many there are, and what each looks like."""
    if len(tags) > TAGS_MAX:
        problems.add(field, f"has {len(tags)} tags; at most {TAGS_MAX} are allowed")
        return
    for key, value in tags.items():
        shown = f"{field}[{key[:60]!r}]"
        if not 0 < len(key) <= KEY_CHARACTERS_MAX:
            problems.add(shown, f"the key has {len(key)} characters; must have 1 to {KEY_CHARACTERS_MAX}")
        elif not _is_clean(key):
            problems.add(shown, f"the key may have only {_RULE}")
        elif key.lower().startswith(RESERVED_PREFIX):
            problems.add(shown, f"keys that begin with {RESERVED_PREFIX!r} are reserved")
        if len(value) > VALUE_CHARACTERS_MAX:
            problems.add(shown, f"the value has {len(value)} characters; at most {VALUE_CHARACTERS_MAX} are allowed")
        elif not _is_clean(value):
            problems.add(shown, f"the value may have only {_RULE}")


def in_order(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Keys and values, by key."""
    return tuple(sorted(tags.items()))


def _is_clean(text: str) -> bool:
    return all(character in _MARKS or character.isalnum() for character in text)
