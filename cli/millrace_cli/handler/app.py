"""The verbs of `millrace handler`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from millrace_cli import completion
from millrace_cli.session import Session
from millrace_cli.verb import verb

app = typer.Typer(help="Register handlers, look at them, try them with a test batch.", no_args_is_help=True)

Handler = Annotated[str, typer.Argument(help="Name of the handler.", autocompletion=completion.handlers)]
TIMEOUT_HELP = "Longest time that one call may take: 1s to 15m, as in 30s."
ENDPOINT_HELP = "Where it listens, as the mapping service reaches it: HOST:PORT."


class As(enum.StrEnum):
    """What a line of a file is."""

    LINES = "lines"
    RECORDS = "records"


@verb(
    app,
    "register",
    uses=["mapping"],
    examples=[
        "millrace handler register bill 127.0.0.1:7500",
        "millrace handler register bill bill.internal:7500 --call-timeout 30s",
    ],
)
async def register(
    session: Session,
    handler: Annotated[str, typer.Argument(help="Its name: 1 to 64 characters of a-z, A-Z, 0-9, '_', '.', '-'.")],
    endpoint: Annotated[str, typer.Argument(help=ENDPOINT_HELP)],
    call_timeout: Annotated[str, typer.Option(help=TIMEOUT_HELP)] = "3s",
) -> None:
    """Register a handler under a name. It need not be up yet."""
    from millrace_cli.handler import registry

    await registry.register(session, handler, endpoint=endpoint, call_timeout=call_timeout)


@verb(app, "list", uses=["mapping"], examples=["millrace handler list", "millrace handler list --output json"])
async def list_(session: Session) -> None:
    """List the handlers by name."""
    from millrace_cli.handler import registry

    await registry.list_all(session)


@verb(app, "show", uses=["mapping"], examples=["millrace handler show bill"])
async def show(session: Session, handler: Handler) -> None:
    """Show one handler."""
    from millrace_cli.handler import registry

    await registry.show(session, handler)


@verb(
    app,
    "update",
    uses=["mapping"],
    examples=[
        "millrace handler update bill --endpoint 127.0.0.1:7501",
        "millrace handler update bill --call-timeout 1m",
    ],
)
async def update(
    session: Session,
    handler: Handler,
    endpoint: Annotated[str | None, typer.Option(help=ENDPOINT_HELP)] = None,
    call_timeout: Annotated[str | None, typer.Option(help=TIMEOUT_HELP)] = None,
    etag: Annotated[str, typer.Option(help="Only if this is its etag, as `show` prints it.")] = "",
) -> None:
    """Change a handler. Batches in flight are finished as they were."""
    from millrace_cli.handler import registry

    await registry.update(session, handler, endpoint=endpoint, call_timeout=call_timeout, etag=etag)


@verb(app, "remove", uses=["mapping"], is_printing=False, examples=["millrace handler remove bill"])
async def remove(session: Session, handler: Handler) -> None:
    """Remove a handler. Its mappings stay and wait until it is registered again; no record is lost."""
    from millrace_cli.handler import registry

    await registry.remove(session, handler)


@verb(
    app,
    "invoke",
    uses=["mapping"],
    examples=[
        "millrace handler invoke bill '{\"total\": 12}' '{\"total\": 0}'",
        "millrace handler invoke bill --file orders.jsonl --key customer-7",
        "millrace get orders --limit 5 --output jsonl | millrace handler invoke bill --file - --as records",
        "millrace handler invoke bill --empty   # does it answer?",
    ],
    help_end="Exit codes: 0 when every record was handled, 6 when the handler names failed\n"
    "  records, 1 when it answers an error or does not answer.",
)
async def invoke(
    session: Session,
    handler: Handler,
    data: Annotated[
        list[str] | None, typer.Argument(help="Data of the records, one each; else --file or standard input is read.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="File to read, a record in each line; - is standard input.", allow_dash=True)
    ] = None,
    form: Annotated[
        As, typer.Option("--as", help="What a line of the file is: a record's data, or a record as `get` prints it.")
    ] = As.LINES,
    key: Annotated[str, typer.Option(help="Partition key of records that have none.")] = "test",
    empty: Annotated[bool, typer.Option("--empty", help="Send a batch without records.")] = False,
) -> int:
    """Send a test batch to a handler, once, and show what it answers. No mapping moves."""
    from millrace_cli.handler import invoke as verb_invoke

    batch = verb_invoke.batch(data or [], file=file, has_records=form is As.RECORDS, key=key, is_empty=empty)
    return await verb_invoke.invoke(session, handler, batch)
