"""The verbs of `millrace context`."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace_cli import completion
from millrace_cli.session import Session
from millrace_cli.verb import verb

app = typer.Typer(help="Name the addresses of services, and choose which to use.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the context.", autocompletion=completion.contexts)]


@verb(
    app,
    "add",
    is_printing=False,
    examples=["millrace context add lab --stream-address lab:7410 --mapping-address lab:7420"],
)
async def add(
    session: Session,
    name: Annotated[str, typer.Argument(help="Its name: 1 to 64 characters of a-z, A-Z, 0-9, '_', '.', '-'.")],
    stream_address: Annotated[str, typer.Option(help="HOST:PORT of the stream service.")],
    mapping_address: Annotated[str, typer.Option(help="HOST:PORT of the mapping service.")],
) -> None:
    """Keep addresses under a name, in place of those that the name had."""
    from millrace_cli.context import verbs

    verbs.add(name, stream_address=stream_address, mapping_address=mapping_address)


@verb(app, "use", is_printing=False, examples=["millrace context use lab", "millrace context use local"])
async def use(session: Session, name: Name) -> None:
    """Use a context from now on, in every verb that names no other."""
    from millrace_cli.context import verbs

    verbs.use(name)


@verb(app, "list", examples=["millrace context list", "millrace context list --output json"])
async def list_(session: Session) -> None:
    """List the contexts; the one in use has a star."""
    from millrace_cli.context import verbs

    verbs.list_all(session)


@verb(app, "remove", is_printing=False, examples=["millrace context remove lab"])
async def remove(session: Session, name: Name) -> None:
    """Forget a context. When it was in use, `local` is used."""
    from millrace_cli.context import verbs

    verbs.remove(name)


@verb(app, "show", examples=["millrace context show", "millrace context show lab"])
async def show(
    session: Session,
    name: Annotated[
        str, typer.Argument(help="Name of the context; else what is in use now.", autocompletion=completion.contexts)
    ] = "",
) -> None:
    """Show a context, or the addresses that are in use now, whatever they come from."""
    from millrace_cli.context import verbs

    verbs.show(session, name)
