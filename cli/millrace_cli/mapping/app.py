"""The verbs of `millrace mapping`."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace_cli import completion
from millrace_cli.session import Session
from millrace_cli.verb import verb

app = typer.Typer(help="Say which stream drives which handler, and how; look at it, pause it.", no_args_is_help=True)

WAIT_HELP = "Wait until it is done, 60s at most unless --wait-limit says otherwise."

Mapping = Annotated[
    str,
    typer.Argument(
        help="Its id or the beginning of it; also the stream's name, where that has one mapping.",
        autocompletion=completion.mappings,
    ),
]
BatchSize = Annotated[int | None, typer.Option(help="Most records in a batch: 1 to 10,000; 100 for a new mapping.")]
Window = Annotated[
    str | None,
    typer.Option(
        "--batching-window",
        help="Longest time to wait for a batch to fill: 0s to 5m, in whole seconds; 0s for a new mapping.",
    ),
]
Retries = Annotated[
    str | None,
    typer.Option(help="How often a failed batch is sent again: 0 to 10,000, or unlimited, as for a new mapping."),
]
Age = Annotated[
    str | None,
    typer.Option(
        "--max-record-age",
        help="Oldest age of a record that is still sent: 60s to 7d, or unlimited, as for a new mapping.",
    ),
]
Bisect = Annotated[
    bool | None,
    typer.Option("--bisect/--no-bisect", help="Split a failed batch in two, to find the failing record."),
]
Partial = Annotated[
    bool | None,
    typer.Option("--partial-batches/--no-partial-batches", help="Obey the failed records that the handler names."),
]
Wait = Annotated[bool, typer.Option("--wait", help=WAIT_HELP)]
WaitLimit = Annotated[str, typer.Option(help="Longest time that --wait waits.")]
Etag = Annotated[str, typer.Option(help="Only if this is its etag, as `show` prints it.")]


@verb(
    app,
    "create",
    uses=["mapping"],
    examples=[
        "millrace mapping create orders bill",
        "millrace mapping create orders bill --from latest --batch-size 500 --batching-window 5s --wait",
        "millrace mapping create orders bill --retries 3 --bisect --partial-batches --max-record-age 1h",
    ],
)
async def create(  # noqa: PLR0913  # one for each option
    session: Session,
    stream: Annotated[
        str,
        typer.Argument(
            help="Name of the stream; it need not exist yet, the mapping then waits.", autocompletion=completion.streams
        ),
    ],
    handler: Annotated[str, typer.Argument(help="Name of a registered handler.", autocompletion=completion.handlers)],
    start: Annotated[
        str,
        typer.Option(
            "--from",
            help="First record: oldest, latest (only what is put from now on), a time (2026-01-31T12:00:00Z; without a "
            "zone it is local), or how long ago (15m, 2h).",
        ),
    ] = "oldest",
    batch_size: BatchSize = None,
    window: Window = None,
    retries: Retries = None,
    age: Age = None,
    bisect: Bisect = None,
    partial_batches: Partial = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Deliver nothing until it is enabled.")] = False,
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Only check; create nothing.")] = False,
    wait: Wait = False,
    wait_limit: WaitLimit = "60s",
) -> None:
    """Have a stream drive a handler: in order for each shard, each record at least once."""
    from millrace_cli.mapping import create as verb_create
    from millrace_cli.mapping.knobs import Knobs
    from millrace_cli.mapping.waiting import Wait

    await verb_create.create(
        session,
        verb_create.New(stream=stream, handler=handler, start=start, enabled=not disabled, validate_only=validate_only),
        Knobs(batch_size, window, retries, age, bisect, partial_batches),
        Wait.of(wait, wait_limit),
    )


@verb(
    app,
    "list",
    uses=["mapping"],
    examples=["millrace mapping list", "millrace mapping list --stream orders --output json"],
)
async def list_(
    session: Session,
    stream: Annotated[str, typer.Option(help="Only of this stream.", autocompletion=completion.streams)] = "",
    handler: Annotated[str, typer.Option(help="Only of this handler.", autocompletion=completion.handlers)] = "",
) -> None:
    """List the mappings in the order of their creation."""
    from millrace_cli.mapping import show as verb_show

    await verb_show.list_all(session, stream=stream, handler=handler)


@verb(app, "show", uses=["mapping"], examples=["millrace mapping show orders", "millrace mapping show 3f9a"])
async def show(session: Session, mapping: Mapping) -> None:
    """Show one mapping: its settings, its state, and what became of the last batch."""
    from millrace_cli.mapping import show as verb_show

    await verb_show.show(session, mapping)


@verb(
    app,
    "update",
    uses=["mapping"],
    examples=[
        "millrace mapping update orders --batch-size 1000 --batching-window 30s --wait",
        "millrace mapping update 3f9a --retries unlimited --no-bisect",
        "millrace mapping update orders --handler bill-v2",
    ],
)
async def update(  # noqa: PLR0913  # one for each option
    session: Session,
    mapping: Mapping,
    handler: Annotated[
        str | None, typer.Option(help="Another registered handler.", autocompletion=completion.handlers)
    ] = None,
    batch_size: BatchSize = None,
    window: Window = None,
    retries: Retries = None,
    age: Age = None,
    bisect: Bisect = None,
    partial_batches: Partial = None,
    etag: Etag = "",
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Only check; change nothing.")] = False,
    wait: Wait = False,
    wait_limit: WaitLimit = "60s",
) -> None:
    """Change settings; the rest stays, and so does the position. Without --wait the change follows in a moment."""
    from millrace_cli.mapping import change
    from millrace_cli.mapping.knobs import Knobs
    from millrace_cli.mapping.waiting import Wait

    await change.update(
        session,
        change.Change(mapping=mapping, handler=handler, etag=etag, validate_only=validate_only),
        Knobs(batch_size, window, retries, age, bisect, partial_batches),
        Wait.of(wait, wait_limit),
    )


@verb(app, "enable", uses=["mapping"], examples=["millrace mapping enable orders --wait"])
async def enable(session: Session, mapping: Mapping, wait: Wait = False, wait_limit: WaitLimit = "60s") -> None:
    """Deliver from where it stopped."""
    from millrace_cli.mapping import change
    from millrace_cli.mapping.waiting import Wait

    await change.switch(session, mapping, is_on=True, wait=Wait.of(wait, wait_limit))


@verb(app, "disable", uses=["mapping"], examples=["millrace mapping disable orders --wait"])
async def disable(session: Session, mapping: Mapping, wait: Wait = False, wait_limit: WaitLimit = "60s") -> None:
    """Stop delivery once the batch in flight is finished; the position is kept."""
    from millrace_cli.mapping import change
    from millrace_cli.mapping.waiting import Wait

    await change.switch(session, mapping, is_on=False, wait=Wait.of(wait, wait_limit))


@verb(
    app,
    "delete",
    uses=["mapping"],
    is_printing=False,
    examples=["millrace mapping delete 3f9a", "millrace mapping delete orders --yes --wait"],
)
async def delete(
    session: Session,
    mapping: Mapping,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    etag: Etag = "",
    wait: Wait = False,
    wait_limit: WaitLimit = "60s",
) -> None:
    """Delete a mapping with its position. The stream and its records stay. Asks first, or needs --yes."""
    from millrace_cli.mapping import change
    from millrace_cli.mapping.waiting import Wait

    await change.delete(session, mapping, etag=etag, is_sure=yes, wait=Wait.of(wait, wait_limit))
