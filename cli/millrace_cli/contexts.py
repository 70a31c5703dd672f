"""Named pairs of addresses, in a file of the user."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from millrace_cli.failure import UsageFailed

FILE_VARIABLE = "MILLRACE_CONFIG"
LOCAL = "local"
NAME_CHARACTERS_MAX = 64
_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{NAME_CHARACTERS_MAX}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where the two services are."""

    stream_address: str
    mapping_address: str


BUILT_IN = {LOCAL: Context(stream_address="127.0.0.1:7410", mapping_address="127.0.0.1:7420")}
"""The addresses of `millrace dev`. A context of that name in the file comes first."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """What the file says."""

    current: str = LOCAL
    named: Mapping[str, Context] = field(default_factory=dict)

    @property
    def all(self) -> dict[str, Context]:
        """Those of the file and the built-in one, by name."""
        return dict(sorted({**BUILT_IN, **self.named}.items()))

    def get(self, name: str) -> Context:
        """The context. Raises UsageFailed with the names that there are."""
        found = self.all.get(name)
        if found is None:
            raise UsageFailed(
                f"there is no context {name!r}; there are: {', '.join(self.all)}. "
                f"Make it with: millrace context add {name} --stream-address HOST:PORT --mapping-address HOST:PORT"
            )
        return found

    def with_added(self, name: str, context: Context) -> Contexts:
        """With the context, in place of one of that name. Raises UsageFailed for a bad name."""
        if not _NAME.fullmatch(name):
            raise UsageFailed(
                f"{name!r} is no name for a context, which has 1 to {NAME_CHARACTERS_MAX} characters of a-z, A-Z, 0-9, "
                "'_', '.', '-'"
            )
        return replace(self, named={**self.named, name: context})

    def with_used(self, name: str) -> Contexts:
        """With another current one. Raises UsageFailed when there is none of that name."""
        self.get(name)
        return replace(self, current=name)

    def with_removed(self, name: str) -> Contexts:
        """Without it; when it was the current one, `local` is. Raises UsageFailed when the file has none."""
        self.get(name)
        if name not in self.named:
            raise UsageFailed(f"the context {name!r} is built in; it cannot be removed")
        rest = {each: context for each, context in self.named.items() if each != name}
        return Contexts(LOCAL if self.current == name else self.current, rest)


def path(environment: Mapping[str, str] | None = None) -> Path:
    """The file: MILLRACE_CONFIG, or millrace/config.json in XDG_CONFIG_HOME or ~/.config."""
    variables = os.environ if environment is None else environment
    if variables.get(FILE_VARIABLE):
        return Path(variables[FILE_VARIABLE])
    home = variables.get("XDG_CONFIG_HOME", "")
    # As the XDG specification has it, a relative path there counts as none.
    folder = Path(home) if home.startswith("/") else Path("~/.config").expanduser()
    return folder / "millrace" / "config.json"


def load(file: Path) -> Contexts:
    """What the file says; the defaults when there is none. Raises UsageFailed when it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Contexts()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFailed(f"{file} cannot be read: {error}") from error
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageFailed(
            f"{file} is not a configuration of millrace ({type(error).__name__}: {error}). "
            'An example: {"current": "local", "contexts": {"lab": {"stream_address": "lab:7410", '
            '"mapping_address": "lab:7420"}}}. Mend it, or remove it to begin anew.'
        ) from error


def save(file: Path, contexts: Contexts) -> None:
    """Write it whole or not at all. Raises UsageFailed when it cannot be written."""
    content = {
        "current": contexts.current,
        "contexts": {
            name: {"stream_address": each.stream_address, "mapping_address": each.mapping_address}
            for name, each in contexts.named.items()
        },
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as new:
            new.write(json.dumps(content, indent=2) + "\n")
        os.replace(new.name, file)
    except OSError as error:
        raise UsageFailed(f"{file} cannot be written: {error}") from error


def _parsed(content: Any) -> Contexts:
    named = {
        str(name): Context(stream_address=_text(each["stream_address"]), mapping_address=_text(each["mapping_address"]))
        for name, each in content.get("contexts", {}).items()
    }
    return Contexts(_text(content.get("current", LOCAL)), named)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is not a text")
    return value
