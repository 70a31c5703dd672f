"""What the verbs of `millrace context` do."""

from __future__ import annotations

import os

from millrace_cli import addresses, contexts, output
from millrace_cli.contexts import Context
from millrace_cli.output import Column
from millrace_cli.session import Session

_COLUMNS = [
    Column("", lambda row: "*" if row["is_current"] else ""),
    Column("CONTEXT", lambda row: row["name"]),
    Column("STREAM SERVICE", lambda row: row["stream_address"]),
    Column("MAPPING SERVICE", lambda row: row["mapping_address"]),
]


def add(name: str, *, stream_address: str, mapping_address: str) -> None:
    """Raises UsageFailed for a bad name or address."""
    file = contexts.path()
    context = Context(
        stream_address=addresses.checked(stream_address, "--stream-address"),
        mapping_address=addresses.checked(mapping_address, "--mapping-address"),
    )
    contexts.save(file, contexts.load(file).with_added(name, context))
    output.note(f"context {name} is kept in {file}; use it with: millrace context use {name}")


def use(name: str) -> None:
    """Raises UsageFailed when there is none of that name."""
    file = contexts.path()
    contexts.save(file, contexts.load(file).with_used(name))
    output.note(f"context {name} is in use")


def remove(name: str) -> None:
    """Raises UsageFailed when the file has none of that name."""
    file = contexts.path()
    left = contexts.load(file).with_removed(name)
    contexts.save(file, left)
    output.note(f"context {name} is removed; {left.current} is in use")


def list_all(session: Session) -> None:
    """All contexts, the built-in one too."""
    known = contexts.load(contexts.path())
    rows = [_row(name, context, is_current=name == _in_use(known)) for name, context in known.all.items()]
    output.rows(session.output, rows, _COLUMNS, empty="there are no contexts")


def show(session: Session, name: str) -> None:
    """A context, or what is in use."""
    known = contexts.load(contexts.path())
    context = known.get(name) if name else session.addresses()
    shown = name or _in_use(known)
    output.one(session.output, _row(shown, context, is_current=shown == _in_use(known)), _COLUMNS[1:])


def _in_use(known: contexts.Contexts) -> str:
    return os.environ.get(addresses.CONTEXT_VARIABLE) or known.current


def _row(name: str, context: Context, *, is_current: bool) -> dict[str, object]:
    return {
        "name": name,
        "stream_address": context.stream_address,
        "mapping_address": context.mapping_address,
        "is_current": is_current,
    }
