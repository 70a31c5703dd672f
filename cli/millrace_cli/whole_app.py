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


@verb(
    app,
    "bench",
    uses=["stream"],
    examples=[
        "millrace bench",
        "millrace bench --seconds 30 --size 10KiB --concurrency 32",
        "millrace bench --batch 1 --output json   # one record a call",
    ],
)
async def bench(
    session: Session,
    seconds: Annotated[float, typer.Option(help="How long to put.", min=0.1, max=600)] = 5.0,
    size: Annotated[str, typer.Option(help="Data of each record: 0 bytes to just below 10MiB.")] = "1KiB",
    concurrency: Annotated[int, typer.Option(help="Calls at a time.", min=1, max=256)] = 8,
    batch: Annotated[int, typer.Option(help="Records a call.", min=1, max=500)] = 100,
    shards: Annotated[int, typer.Option(help="Shards of the stream.", min=1, max=256)] = 4,
) -> int:
    """Measure puts and reads: into a stream of its own, which is deleted afterwards.

    The records are really stored, so the disk needs room for them. What is measured is what this one command gets from
    the service, its own work included; where both share a machine, they share its cores.
    """
    from millrace_cli.bench import run

    asked = run.Asked(seconds=seconds, size=size, concurrency=concurrency, batch=batch, shards=shards)
    return await run.bench(session, asked)
