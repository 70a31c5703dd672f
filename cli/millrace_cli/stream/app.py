"""The verbs of `millrace stream`."""

from __future__ import annotations

from typing import Annotated

import typer

from millrace_cli import completion
from millrace_cli.session import Session
from millrace_cli.verb import verb

app = typer.Typer(
    help="Create, list, describe, change and delete streams; look at their shards, split and merge them.",
    no_args_is_help=True,
)

Stream = Annotated[str, typer.Argument(help="Name of the stream.", autocompletion=completion.streams)]
Shard = Annotated[str, typer.Argument(help="An open shard.", autocompletion=completion.shards)]
ShardSize = Annotated[
    str | None,
    typer.Option(
        help="Most that a shard keeps, as in 512MiB; the oldest records go first. unlimited for a new stream."
    ),
]
WriteBytes = Annotated[
    str | None, typer.Option(help="Bytes a second that each shard takes: 1KiB and up, or unlimited.")
]
WriteRecords = Annotated[str | None, typer.Option(help="Records a second that each shard takes, or unlimited.")]
ReadBytes = Annotated[
    str | None, typer.Option(help="Bytes a second that GetRecords answers of each shard: 1KiB and up, or unlimited.")
]
ReadCalls = Annotated[str | None, typer.Option(help="Calls of GetRecords a second for each shard, or unlimited.")]
ValidateOnly = Annotated[
    bool, typer.Option("--validate-only", help="Only show the outcome, and what each open shard took lately.")
]


@verb(
    app,
    "create",
    uses=["stream"],
    examples=[
        "millrace stream create orders",
        "millrace stream create orders --shards 4 --retention 7d --tag team=sales",
    ],
)
async def create(  # noqa: PLR0913  # one for each option
    session: Session,
    stream: Annotated[str, typer.Argument(help="Its name: 1 to 128 characters of a-z, A-Z, 0-9, '_', '.', '-'.")],
    shards: Annotated[int, typer.Option(help="Number of shards, 1 to 10,000.")] = 1,
    retention: Annotated[str, typer.Option(help="How long records are kept: 24h to 365d, as in 36h or 7d.")] = "24h",
    max_record_size: Annotated[str, typer.Option(help="Largest record: 1MiB to 10MiB, or a number of bytes.")] = "1MiB",
    tag: Annotated[list[str] | None, typer.Option(help="A label NAME=VALUE; more than once for more.")] = None,
    shard_size: ShardSize = None,
    write_bytes: WriteBytes = None,
    write_records: WriteRecords = None,
    read_bytes: ReadBytes = None,
    read_calls: ReadCalls = None,
) -> None:
    """Create a stream. It takes records when this is done. Without limits said it has none."""
    from millrace_cli.stream import change
    from millrace_cli.stream import create as verb_create

    settings = change.Settings(
        retention=retention,
        max_record_size=max_record_size,
        shard_size=shard_size,
        write_bytes=write_bytes,
        write_records=write_records,
        read_bytes=read_bytes,
        read_calls=read_calls,
    )
    await verb_create.create(session, stream, settings, shards=shards, tags=tag or [])


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


@verb(
    app,
    "split",
    uses=["stream"],
    examples=[
        "millrace stream split orders shardId-000000000000 --validate-only",
        "millrace stream split orders shardId-000000000000",
        "millrace stream split orders shardId-000000000000 --at 85070591730234615865843651857942052864",
    ],
)
async def split(
    session: Session,
    stream: Stream,
    shard: Shard,
    at: Annotated[str, typer.Option(help="First hash key of the upper child; the middle when left out.")] = "",
    validate_only: ValidateOnly = False,
) -> None:
    """Split a shard in two. Its records stay; new ones go to its children."""
    from millrace_cli.stream import reshard

    await reshard.split(session, stream, shard, at=at, is_preview=validate_only)


@verb(
    app,
    "merge",
    uses=["stream"],
    examples=["millrace stream merge orders shardId-000000000000 shardId-000000000001"],
)
async def merge(
    session: Session, stream: Stream, shard: Shard, adjacent: Shard, validate_only: ValidateOnly = False
) -> None:
    """Merge two shards whose hash keys meet. Their records stay; new ones go to the child."""
    from millrace_cli.stream import reshard

    await reshard.merge(session, stream, shard, adjacent, is_preview=validate_only)


@verb(
    app,
    "scale",
    uses=["stream"],
    examples=["millrace stream scale orders 8 --validate-only", "millrace stream scale orders 8"],
)
async def scale(
    session: Session,
    stream: Stream,
    shards: Annotated[int, typer.Argument(help="Open shards to have: at least half, at most twice those of now.")],
    validate_only: ValidateOnly = False,
) -> None:
    """Change the number of open shards, to hash key ranges of equal width."""
    from millrace_cli.stream import reshard

    await reshard.scale(session, stream, shards, is_preview=validate_only)


@verb(
    app,
    "update",
    uses=["stream"],
    examples=[
        "millrace stream update orders --retention 7d",
        "millrace stream update orders --write-records 1000 --write-bytes 1MiB",
        "millrace stream update orders --write-records unlimited --write-bytes unlimited",
    ],
)
async def update(  # noqa: PLR0913  # one for each option
    session: Session,
    stream: Stream,
    retention: Annotated[str | None, typer.Option(help="How long records are kept: 24h to 365d.")] = None,
    max_record_size: Annotated[str | None, typer.Option(help="Largest record: 1MiB to 10MiB.")] = None,
    shard_size: ShardSize = None,
    write_bytes: WriteBytes = None,
    write_records: WriteRecords = None,
    read_bytes: ReadBytes = None,
    read_calls: ReadCalls = None,
    etag: Annotated[str, typer.Option(help="Only if this is its etag, as `describe` prints it.")] = "",
) -> None:
    """Change settings; the rest stays. A shorter retention takes effect at once, and what it takes is gone."""
    from millrace_cli.stream import change

    settings = change.Settings(
        retention=retention,
        max_record_size=max_record_size,
        shard_size=shard_size,
        write_bytes=write_bytes,
        write_records=write_records,
        read_bytes=read_bytes,
        read_calls=read_calls,
    )
    await change.update(session, stream, settings, etag=etag)


@verb(
    app,
    "tag",
    uses=["stream"],
    examples=["millrace stream tag orders team=sales stage=test", "millrace stream tag orders --remove stage"],
)
async def tag(
    session: Session,
    stream: Stream,
    tags: Annotated[list[str] | None, typer.Argument(help="Labels NAME=VALUE to add or replace.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A label to remove; more than once for more.")] = None,
) -> None:
    """Add, replace and remove labels; the others stay."""
    from millrace_cli.stream import change

    await change.tag(session, stream, tags or [], removed=remove or [])
