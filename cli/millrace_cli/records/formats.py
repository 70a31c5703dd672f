"""`--format`: how a record is written."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from millrace_cli.failure import UsageFailed
from millrace_cli.records.view import View

Part: TypeAlias = Callable[[View], bytes]

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<field>[^{}]+)\}|\\(?P<escape>[ntr0\\])|(?P<stray>[{}])|(?P<text>[^{}\\]+|\\)")
_ESCAPES = {"n": b"\n", "t": b"\t", "r": b"\r", "0": b"\0", "\\": b"\\"}


@dataclass(frozen=True, slots=True)
class Format:
    """A template."""

    parts: Sequence[Part]

    def render(self, view: View) -> bytes:
        """The record, without a line end."""
        return b"".join(part(view) for part in self.parts)


def parse(template: str) -> Format:
    """Read a template. Raises UsageFailed for a brace without its other half."""
    parts: list[Part] = []
    for found in _TOKEN.finditer(template):
        if found["stray"]:
            raise UsageFailed(
                f"--format has a {found['stray']!r} alone at character {found.start() + 1}; write it twice"
            )
        parts.append(_part(found))
    return Format(parts)


def _part(found: re.Match[str]) -> Part:
    if found["field"]:
        return _field(found["field"].strip())
    if found["escape"]:
        return _constant(_ESCAPES[found["escape"]])
    return _constant((found["text"] or found[0][0]).encode(errors="replace"))


def _constant(text: bytes) -> Part:
    return lambda view: text


def _field(name: str) -> Part:
    if name == "data":
        return lambda view: view.record.data
    if name == "data_base64":
        return lambda view: base64.b64encode(view.record.data)
    return lambda view: (view.field(name) or "").encode(errors="replace")
