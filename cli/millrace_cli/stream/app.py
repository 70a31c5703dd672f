"""The verbs of `millrace stream`."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace_cli import completion
from millrace_cli.session import Session
from millrace_cli.verb import verb

app = typer.Typer(help="Create, list, describe and delete streams; look at their shards.", no_args_is_help=True)

Stream = Annotated[str, typer.Argument(help="Name of the stream.", autocompletion=completion.streams)]


@verb(
    app,
    "create",
    uses=["stream"],
    examples=[
        "millrace stream create orders",
        "millrace stream create orders --shards 4 --retention 7d --tag team=sales",
    ],
)
async def create(
    session: Session,
    stream: Annotated[str, typer.Argument(help="Its name: 1 to 128 characters of a-z, A-Z, 0-9, '_', '.', '-'.")],
    shards: Annotated[int, typer.Option(help="Number of shards, 1 to 10,000.")] = 1,
    retention: Annotated[str, typer.Option(help="How long records are kept: 24h to 365d, as in 36h or 7d.")] = "24h",
    max_record_size: Annotated[str, typer.Option(help="Largest record: 1MiB to 10MiB, or a number of bytes.")] = "1MiB",
    tag: Annotated[list[str] | None, typer.Option(help="A label NAME=VALUE; more than once for more.")] = None,
) -> None:
    """Create a stream. It takes records when this is done."""
    from millrace_cli.stream import create as verb_create

    await verb_create.create(
        session, stream, shards=shards, retention=retention, max_record_size=max_record_size, tags=tag or []
    )


@verb(app, "list", uses=["stream"], examples=["millrace stream list", "millrace stream list --output json"])
async def list_(session: Session) -> None:
    """List the streams by name."""
    from millrace_cli.stream import describe

    await describe.list_all(session)


@verb(app, "describe", uses=["stream"], examples=["millrace stream describe orders"])
async def describe(session: Session, stream: Stream) -> None:
    """Describe one stream: its settings and limits."""
    from millrace_cli.stream import describe as verb_describe

    await verb_describe.describe(session, stream)


@verb(
    app,
    "delete",
    uses=["stream"],
    is_printing=False,
    examples=["millrace stream delete orders", "millrace stream delete orders --yes --with-consumers"],
)
async def delete(
    session: Session,
    stream: Stream,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    with_consumers: Annotated[
        bool, typer.Option("--with-consumers", help="Remove its registered consumers too, which otherwise keep it.")
    ] = False,
) -> None:
    """Delete a stream with all its records. Asks first on a terminal; elsewhere it needs --yes."""
    from millrace_cli.stream import delete as verb_delete

    await verb_delete.delete(session, stream, is_sure=yes, with_consumers=with_consumers)


@verb(
    app,
    "shards",
    uses=["stream"],
    examples=["millrace stream shards orders", "millrace stream shards orders --open --traffic"],
)
async def shards(
    session: Session,
    stream: Stream,
    is_open: Annotated[bool, typer.Option("--open", help="Only those that take records.")] = False,
    traffic: Annotated[bool, typer.Option("--traffic", help="Also what open shards took in the last 300 s.")] = False,
) -> None:
    """List the shards of a stream, with their hash keys and parents."""
    from millrace_cli.stream import shards as verb_shards

    await verb_shards.shards(session, stream, is_open=is_open, with_traffic=traffic)
