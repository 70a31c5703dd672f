"""`--filter`: which records are shown."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from millrace_cli.failure import UsageFailed
from millrace_cli.records.view import View

_EXPRESSION = re.compile(r"(?P<field>[^=!<>]+)(?P<sign>!=|>=|<=|=|>|<)(?P<value>.*)", re.DOTALL)
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A field and what is asked of its text. `passes_text` is given None for a record without the field."""

    field: str
    passes_text: Callable[[str | None], bool]

    def passes(self, view: View) -> bool:
        """Whether the record is shown."""
        return self.passes_text(view.field(self.field))


def parse(expression: str) -> Filter:
    """Read one expression. Raises UsageFailed."""
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        raise UsageFailed(
            f"--filter is {expression!r}; it must be FIELD=VALUE, FIELD!=VALUE, or with > >= < <=, such as key=a*"
        )
    sign, value = found["sign"], found["value"]
    test = _ordered(_ORDERS[sign], value) if sign in _ORDERS else _matching(value, is_negated=sign == "!=")
    return Filter(found["field"].strip(), test)


def _matching(value: str, *, is_negated: bool) -> Callable[[str | None], bool]:
    pattern = re.compile(fnmatch.translate(value))
    return lambda text: (text is not None and pattern.match(text) is not None) != is_negated


def _ordered(holds: Callable[[Any, Any], bool], value: str) -> Callable[[str | None], bool]:
    number = _number(value)

    def test(text: str | None) -> bool:
        if text is None:
            return False
        own = _number(text)
        return holds(text, value) if own is None or number is None else holds(own, number)

    return test


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except ArithmeticError:
        return None
    return None if found.is_nan() else found


def passes(filters: Sequence[Filter], view: View) -> bool:
    """Whether all let it pass; without any, everything does."""
    return all(each.passes(view) for each in filters)
