"""The verbs of `millrace consumer`."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace_cli import completion
from millrace_cli.session import Session
from millrace_cli.verb import verb

app = typer.Typer(help="Register, list and remove consumers: readers to which shards are pushed.", no_args_is_help=True)

Stream = Annotated[str, typer.Argument(help="Name of the stream.", autocompletion=completion.streams)]
Consumer = Annotated[str, typer.Argument(help="Name of the consumer.", autocompletion=completion.consumers)]


@verb(app, "register", uses=["stream"], examples=["millrace consumer register orders audit"])
async def register(
    session: Session,
    stream: Stream,
    consumer: Annotated[str, typer.Argument(help="Its name: 1 to 128 characters of a-z, A-Z, 0-9, '_', '.', '-'.")],
) -> None:
    """Register a consumer. `millrace tail STREAM --consumer NAME` reads as it."""
    from millrace_cli.consumer import verbs

    await verbs.register(session, stream, consumer)


@verb(app, "list", uses=["stream"], examples=["millrace consumer list orders"])
async def list_(session: Session, stream: Stream) -> None:
    """List the consumers of a stream by name."""
    from millrace_cli.consumer import verbs

    await verbs.list_all(session, stream)


@verb(app, "describe", uses=["stream"], examples=["millrace consumer describe orders audit"])
async def describe(session: Session, stream: Stream, consumer: Consumer) -> None:
    """Describe one consumer."""
    from millrace_cli.consumer import verbs

    await verbs.describe(session, stream, consumer)


@verb(app, "remove", uses=["stream"], is_printing=False, examples=["millrace consumer remove orders audit"])
async def remove(session: Session, stream: Stream, consumer: Consumer) -> None:
    """Remove a consumer; its subscriptions end. The stream and its records stay."""
    from millrace_cli.consumer import verbs

    await verbs.remove(session, stream, consumer)
