"""The verbs about the whole installation rather than one thing in it: `errors`, `health`, `bench`."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from millrace_cli import completion
from millrace_cli.session import Session
from millrace_cli.verb import verb

app = typer.Typer()

WAIT_SECONDS_MAX = 3_600.0


class Service(enum.StrEnum):
    """One of the two services."""

    STREAM = "stream"
    MAPPING = "mapping"


@verb(
    app,
    "health",
    uses=["stream", "mapping"],
    examples=[
        "millrace health",
        "millrace health --wait 30",
        "millrace health --service mapping --output json",
        "millrace health --address 127.0.0.1:7410   # in a container's health check",
    ],
)
async def health(
    session: Session,
    service: Annotated[Service | None, typer.Option(help="Only this service; else both.")] = None,
    address: Annotated[str, typer.Option(help="Only what listens at this HOST:PORT.")] = "",
    wait: Annotated[
        float, typer.Option(help="Wait so many seconds at most until all serve.", min=0, max=WAIT_SECONDS_MAX)
    ] = 0.0,
) -> int:
    """Tell whether the services serve: exit code 0 when all do, 5 when one does not."""
    from millrace_cli import health as verb_health

    return await verb_health.health(session, service=service or "", address=address, wait_seconds=wait)


@verb(
    app,
    "errors",
    examples=["millrace errors", "millrace errors STREAM_NOT_FOUND", "millrace errors ETAG_MISMATCH --output json"],
)
async def errors(
    session: Session,
    reason: Annotated[
        str,
        typer.Argument(
            help="A reason, as a refusal names it, or a gRPC code; all when left out.",
            autocompletion=completion.reasons,
        ),
    ] = "",
) -> None:
    """Tell what a reason to refuse means and what to do about it."""
    from millrace_cli import errors as verb_errors

    verb_errors.tell(session, reason)
