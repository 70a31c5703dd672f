"""Where the services are: by option, by environment, by context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from millrace_cli import contexts, failure
from millrace_cli.contexts import Context

STREAM_VARIABLE = "MILLRACE_STREAM_ADDRESS"
MAPPING_VARIABLE = "MILLRACE_MAPPING_ADDRESS"
CONTEXT_VARIABLE = "MILLRACE_CONTEXT"

_PORT_MAX = 65_535
_HOST = re.compile(r"[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.%]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says; None where it says nothing."""

    context: str | None = None
    stream_address: str | None = None
    mapping_address: str | None = None


def resolve(asked: Asked, known: contexts.Contexts, environment: Mapping[str, str]) -> Context:
    """The addresses to use. What is nearer to the verb wins: an option, the option --context, the environment, the
    context in use.

    Raises UsageFailed for an unknown context and for what is no address.
    """
    named = asked.context or None
    chosen = known.get(named or environment.get(CONTEXT_VARIABLE) or known.current)
    by_variable = {} if named else environment
    return Context(
        stream_address=checked(
            asked.stream_address or by_variable.get(STREAM_VARIABLE) or chosen.stream_address, "--stream-address"
        ),
        mapping_address=checked(
            asked.mapping_address or by_variable.get(MAPPING_VARIABLE) or chosen.mapping_address, "--mapping-address"
        ),
    )


def checked(address: str, option: str) -> str:
    """The address if it is HOST:PORT. Raises UsageFailed."""
    host, _, port = address.rpartition(":")
    if not _HOST.fullmatch(host) or not port.isdecimal() or not 0 < int(port) <= _PORT_MAX:
        raise failure.UsageFailed(f"{address!r} is not an address for {option}; an example: 127.0.0.1:7410")
    return address
