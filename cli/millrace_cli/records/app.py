"""The verbs `put`, `get` and `tail`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from millrace_cli import completion
from millrace_cli.records.form import Form
from millrace_cli.session import Session
from millrace_cli.verb import verb

app = typer.Typer()

FILTERS_HELP = """\
Filters: FIELD=VALUE, FIELD!=VALUE, or with > >= < <=; of several, all must hold.
  key=VALUE             the partition key
  attr.NAME=VALUE       an attribute
  shard=, time=         the shard's id, the arrival (2026-01-31T12:00:00.000Z)
  a.b=VALUE             a field of JSON data by its path; items of lists by number
  .key=VALUE            a JSON field with the name of one of those above
  With = and !=, * in VALUE is any text, ? a character, [ab] one of them. The others
  compare numbers, or texts when one side is none. A record without the field passes
  FIELD!=VALUE only."""

FORMATS_HELP = """\
Formats: text with {data} {data_base64} {key} {sequence_number} {time} {shard}
  {attr.NAME} and fields of JSON data by their path, such as {customer.name};
  {{ and }} are braces, \\n \\t \\0 as usual. {data} is the bytes as they are. A field
  that a record does not have is empty. A line end follows each record."""

JSON_HELP = """\
In JSON, a record has `data` when that is UTF-8 text and `data_base64` when it is
  not; in a table such data is shown as base64:... `millrace put --as records`
  takes the JSON lines back."""

START_HELP = (
    "Where to start: oldest, latest, a time (2026-01-31T12:00:00Z; without a zone it is local), how long ago (15m, "
    "2h), or a sequence number."
)

Stream = Annotated[str, typer.Argument(help="Name of the stream.", autocompletion=completion.streams)]
Shard = Annotated[
    str,
    typer.Option(help="Only this shard: its id or its number. Else all shards.", autocompletion=completion.shards),
]
Filters = Annotated[
    list[str] | None, typer.Option("--filter", help="Only records that pass, such as key=a*; see below.")
]
Format = Annotated[str | None, typer.Option("--format", help="How each record is written; see below.")]


INPUT_HELP = """\
What --as says of the input:
  lines    each line is a record, as it is, without its line end (the default)
  json     the same, and each line must be JSON
  file     the whole input is one record
  records  each line describes a record, as `get --output jsonl` and --failed-to
           write it: data or data_base64, partition_key, attributes
The partition key is --key, or the JSON field --key-field, or a random one. Records
keep the order of the input; with --calls, those of each key do. A record that is
refused for now is sent again for --retry-for, and stored once even when an answer
was lost; one that is refused for good is told on standard error and kept by
--failed-to, and the exit code is 6."""


@verb(
    app,
    "put",
    uses=["stream"],
    help_end=INPUT_HELP,
    examples=[
        "millrace put orders '{\"total\": 12}' --key customer-7",
        "millrace put orders --file orders.jsonl --key-field customer.id --failed-to failed.jsonl",
        "cat access.log | millrace put logs --attribute host=web-1",
        "millrace put images --as file --file cat.png --key cat",
        "millrace get orders --output jsonl | millrace put copy --as records",
    ],
)
async def put(  # noqa: PLR0913 - each is an option
    session: Session,
    stream: Stream,
    data: Annotated[
        list[str] | None,
        typer.Argument(help="Records, each an argument; without any, or as -, standard input is read."),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="File to read; - is standard input.")] = None,
    form: Annotated[Form, typer.Option("--as", help="What the input is made of; see below.")] = Form.LINES,
    key: Annotated[str, typer.Option(help="Partition key of all records.")] = "",
    key_field: Annotated[str, typer.Option(help="Path of the JSON field that is the key, such as customer.id.")] = "",
    hash_key: Annotated[
        str, typer.Option(help="Explicit hash key of all records: which shard, whatever the key.")
    ] = "",
    attribute: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE beside the data of all records; more than once for more.")
    ] = None,
    failed_to: Annotated[
        Path | None, typer.Option(help="File for records that were not stored, a JSON line each.")
    ] = None,
    retry_for: Annotated[str, typer.Option(help="How long a record is tried again, such as 60s.")] = "60s",
    calls: Annotated[int, typer.Option(help="Calls at a time; more are faster over a long way.", min=1, max=64)] = 1,
) -> int:
    """Put records into a stream, and wait until they are on disk."""
    from millrace_cli.records import put as verb_put
    from millrace_cli.records import reading

    wanted = reading.Wanted(
        stream=stream,
        data=data or [],
        file=file,
        form=form,
        key=key,
        key_field=key_field,
        hash_key=hash_key,
        attributes=attribute or [],
        failed_to=failed_to,
    )
    return await verb_put.put(session, wanted, retry_for=retry_for, calls=calls)


@verb(
    app,
    "get",
    uses=["stream"],
    help_end="\n\n\b\n".join([FILTERS_HELP, FORMATS_HELP, JSON_HELP]),
    examples=[
        "millrace get orders",
        "millrace get orders --from 15m --filter 'customer.country=N?' --filter 'total>=100' -n 10",
        "millrace get orders --shard 0 --from 2026-01-31T12:00:00Z --output jsonl",
        "millrace get orders --format '{time} {key} {total}'",
        "millrace get orders --output jsonl | millrace put copy --as records",
    ],
)
async def get(
    session: Session,
    stream: Stream,
    start: Annotated[str, typer.Option("--from", help=START_HELP)] = "oldest",
    shard: Shard = "",
    limit: Annotated[
        int, typer.Option("--limit", "--count", "-n", help="Most records; 0 is without limit.", min=0)
    ] = 0,
    filters: Filters = None,
    template: Format = None,
) -> None:
    """Print the records that a stream has now, by arrival over all shards."""
    from millrace_cli.records import get as verb_get

    await verb_get.get(
        session,
        verb_get.Wanted(stream=stream, shard=shard, start=start, limit=limit, filters=filters or [], template=template),
    )


@verb(
    app,
    "tail",
    uses=["stream"],
    help_end="\n\n\b\n".join([FILTERS_HELP, FORMATS_HELP, JSON_HELP]),
    examples=[
        "millrace tail orders",
        "millrace tail orders --from oldest --filter key=customer-7 --count 10",
        "millrace tail orders --filter 'attr.source!=test' --format '{time} {total} {customer.name}'",
        "millrace tail orders --output jsonl | jq '.data | fromjson | .total'",
        "millrace tail orders --consumer audit",
    ],
)
async def tail(  # noqa: PLR0913  # one for each option
    session: Session,
    stream: Stream,
    start: Annotated[str, typer.Option("--from", help=START_HELP)] = "latest",
    shard: Shard = "",
    count: Annotated[
        int, typer.Option("--count", "--limit", "-n", help="Stop after so many records; 0 goes on.", min=0)
    ] = 0,
    filters: Filters = None,
    template: Format = None,
    consumer: Annotated[
        str,
        typer.Option(
            help="Read as this registered consumer (see `millrace consumer`): shards are pushed, and no read limit "
            "counts.",
            autocompletion=completion.consumers,
        ),
    ] = "",
) -> None:
    """Print records as they come, of all shards and those that they are split or merged into; Ctrl-C ends it."""
    from millrace_cli.records import get as verb_get
    from millrace_cli.records import tail as verb_tail

    await verb_tail.tail(
        session,
        verb_get.Wanted(stream=stream, shard=shard, start=start, limit=count, filters=filters or [], template=template),
        consumer=consumer,
    )
