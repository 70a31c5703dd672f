"""`millrace errors`: what a reason means and what to do about it."""

from __future__ import annotations

import json

from millrace_cli import error_catalogue, output
from millrace_cli.error_catalogue import Reason
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import VerbFailed
from millrace_cli.output import Column
from millrace_cli.session import Session


def _codes(row: Reason) -> str:
    return " or ".join(row["codes"])


_ROWS = [
    Column("REASON", lambda row: row["reason"]),
    Column("GRPC CODE", _codes),
    Column("WHAT IT MEANS", lambda row: row["meaning"].partition(". ")[0].removesuffix(".")),
]
_ONE = [
    Column("REASON", lambda row: row["reason"]),
    Column("MEANS", lambda row: row["meaning"]),
    Column("WHAT TO DO", lambda row: row["advice"]),
    Column("GRPC CODE", _codes),
    Column("NUMBER", lambda row: str(row["number"])),
    Column("DETAILS", lambda row: ", ".join(["ErrorInfo", "RequestInfo", *row["details"]])),
    Column("METADATA", lambda row: json.dumps(row["metadata"]) if row["metadata"] else "none"),
    Column("SINCE", lambda row: f"not sent yet: {row['planned']}" if row["planned"] else row["since"]),
]


def tell(session: Session, reason: str) -> None:
    """One reason, the reasons of a gRPC code, or all. Raises VerbFailed with near misses when there is none."""
    if not reason:
        output.rows(session.output, error_catalogue.all_reasons(), _ROWS, empty="there are no reasons")
    elif found := error_catalogue.find(reason):
        output.one(session.output, found, _ONE)
    elif of_code := error_catalogue.with_code(reason):
        output.note(f"{error_catalogue.normal(reason)} is a gRPC code. The reasons that come with it:")
        output.rows(session.output, of_code, _ROWS, empty="")
    else:
        near = error_catalogue.near(reason)
        meant = f"Did you mean {' or '.join(near)}?" if near else "All reasons: millrace errors"
        raise VerbFailed(f"there is no reason {reason!r}. {meant}", ExitCode.NOT_FOUND)
