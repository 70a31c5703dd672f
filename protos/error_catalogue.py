"""Writes from errors.toml what is made from it: the enum, docs/errors.md and the data of `millrace errors`."""

from __future__ import annotations

import json
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent
CATALOGUE = ROOT / "errors.toml"
PROTO = ROOT / "millrace/errors/v1/error_reason.proto"
DOCUMENT = ROOT.parent / "docs/errors.md"
DATA = ROOT.parent / "cli/millrace_cli/errors.json"

DOMAIN = "millrace"
COMMENT_WIDTH = 120

PROTO_HEAD = """\
syntax = "proto3";

// Every refusal, with an example of its details. Written by `make protos` from protos/errors.toml; change it there.
package millrace.errors.v1;

option go_package = "millrace.dev/gen/millrace/errors/v1;errorsv1";
option java_multiple_files = true;
option java_package = "dev.millrace.errors.v1";

// Why a request was refused. On the wire it is the reason of google.rpc.ErrorInfo, without the prefix ERROR_REASON_,
// with the domain "millrace". Programs branch on it; messages are for people and may change.
enum ErrorReason {
  // Never sent.
  ERROR_REASON_UNSPECIFIED = 0;
"""

DOCUMENT_HEAD = """\
<!-- Written by `make protos` from protos/errors.toml; change it there. -->

# Errors

Every refusal is a gRPC status with a `google.rpc.Status` in its trailing metadata (`grpc-status-details-bin`). In it
stand one `ErrorInfo` with the domain `millrace` and the reason, a `RequestInfo` with the request id (the service's log
has it too), and the further details that its section below names:

- `BadRequest` names each wrong field and says what it must be.
- `RetryInfo` says how long to wait before sending the same request again.
- `ResourceInfo` names the thing that it is about.

Branch on the reason: a message is for people and may change. `millrace errors REASON` tells the same in a terminal.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One table of the catalogue; what its fields mean stands in the head of errors.toml."""

    reason: str
    number: int
    codes: list[str]
    meaning: str
    advice: str
    since: str
    details: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    planned: str = ""


def load(text: str) -> list[Reason]:
    """The reasons in the order of their numbers. Raises TypeError for a table with another field or without one."""
    tables = tomllib.loads(text)
    return sorted((Reason(reason=name, **table) for name, table in tables.items()), key=lambda each: each.number)


def proto(reasons: list[Reason]) -> str:
    """The text of error_reason.proto."""
    return PROTO_HEAD + "".join(f"\n{_value(each)}" for each in reasons) + "}\n"


def document(reasons: list[Reason]) -> str:
    """The text of docs/errors.md."""
    rows = (f"| [{each.reason}](#{each.reason.lower()}) | {each.number} | {_codes(each)} |" for each in reasons)
    table = "\n".join(["| Reason | Number | gRPC code |", "|---|---|---|", *rows])
    return "\n".join([DOCUMENT_HEAD, table, *map(_section, reasons)]) + "\n"


def data(reasons: list[Reason]) -> str:
    """The text of errors.json."""
    return json.dumps([asdict(each) for each in reasons], indent=1) + "\n"


def outputs() -> Iterator[tuple[Path, str]]:
    """Each file that is made from the catalogue, and what must stand in it."""
    reasons = load(CATALOGUE.read_text(encoding="utf-8"))
    yield PROTO, proto(reasons)
    yield DOCUMENT, document(reasons)
    yield DATA, data(reasons)


def write() -> None:
    """Write them all."""
    for path, text in outputs():
        path.write_text(text, encoding="utf-8")


def _value(reason: Reason) -> str:
    said = f"{_codes(reason)}. {reason.meaning} {reason.advice}"
    lines = [*_comment(said)]
    if reason.planned:
        lines += _comment(f"Not sent yet: {reason.planned}.")
    lines += _comment(f"Example: {_example(reason)}")
    return "\n".join([*lines, f"  ERROR_REASON_{reason.reason} = {reason.number};"]) + "\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        COMMENT_WIDTH,
        initial_indent="  // ",
        subsequent_indent="  // ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _codes(reason: Reason) -> str:
    return " or ".join(reason.codes)


def _example(reason: Reason) -> str:
    pairs = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in reason.metadata.items())
    metadata = f"{{ {pairs} }}" if pairs else "{}"
    return f'{{ "reason": "{reason.reason}", "domain": "{DOMAIN}", "metadata": {metadata} }}'


def _section(reason: Reason) -> str:
    lines = [f"\n## {reason.reason}\n", f"`{_codes(reason)}`, number {reason.number}, since {reason.since}.\n"]
    if reason.planned:
        lines.append(f"Not sent yet: {reason.planned}.\n")
    lines += [reason.meaning, "", f"What to do: {reason.advice}\n"]
    if reason.details:
        lines.append(f"Details: {', '.join(f'`{each}`' for each in reason.details)}.\n")
    return "\n".join([*lines, f"```json\n{_example(reason)}\n```"])
