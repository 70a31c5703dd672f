"""`--filter`: which records are shown."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass

from millrace_cli.failure import UsageFailed
from millrace_cli.records.view import View

_EXPRESSION = re.compile(r"(?P<field>[^=!]+)(?P<sign>!?=)(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Filter:
    """A field and a pattern of its whole text."""

    field: str
    pattern: re.Pattern[str]
    is_negated: bool

    def passes(self, view: View) -> bool:
        """Whether the record is shown."""
        value = view.field(self.field)
        return (value is not None and self.pattern.match(value) is not None) != self.is_negated


def parse(expression: str) -> Filter:
    """Read one expression. Raises UsageFailed."""
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        raise UsageFailed(f"--filter is {expression!r}; it must be FIELD=VALUE or FIELD!=VALUE, such as key=customer-*")
    pattern = re.compile(fnmatch.translate(found["value"]))
    return Filter(found["field"].strip(), pattern, found["sign"] == "!=")


def passes(filters: Sequence[Filter], view: View) -> bool:
    """Whether all let it pass; without any, everything does."""
    return all(each.passes(view) for each in filters)
