"""The `millrace` command. What a verb needs is imported by the verb, so that `--help` is there at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from millrace_cli import exit_codes, whole_app
from millrace_cli.consumer import app as consumer
from millrace_cli.context import app as context
from millrace_cli.handler import app as handler
from millrace_cli.mapping import app as mapping
from millrace_cli.records import app as records
from millrace_cli.session import Session
from millrace_cli.stream import app as stream
from millrace_cli.verb import verb

app = typer.Typer(
    help="Streams that drive handlers.",
    epilog=exit_codes.as_help(),
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib import metadata

        typer.echo(f"millrace {metadata.version('millrace')}")
        raise typer.Exit


@app.callback()
def millrace(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Streams that drive handlers."""


@verb(app, "demo", examples=["millrace demo", "millrace demo --output json"])
async def demo(session: Session) -> int:
    """Put 1,707 real earthquakes through a stream into a handler, with a crash on the way."""
    from millrace_cli.demo import show

    return await show.demo(session.output)


@verb(app, "dev", is_printing=False, examples=["millrace dev", "millrace dev --data /tmp/mill --stream-port 0"])
async def dev(
    session: Session,
    data: Annotated[Path, typer.Option(help="Folder that keeps the data.")] = Path("data"),
    stream_port: Annotated[int, typer.Option(help="Port of the stream service; 0 takes a free one.")] = 7410,
    mapping_port: Annotated[int, typer.Option(help="Port of the mapping service; 0 takes a free one.")] = 7420,
    handler_port: Annotated[int, typer.Option(help="Port of the example handler; 0 takes a free one.")] = 7500,
) -> int:
    """Start both services and an example handler, and stay; data is kept across restarts."""
    from millrace_cli import dev as verb_dev

    ports = verb_dev.Ports(stream=stream_port, mapping=mapping_port, handler=handler_port)
    return await verb_dev.dev(data, ports)


app.add_typer(records.app)
app.add_typer(whole_app.app)
app.add_typer(stream.app, name="stream")
app.add_typer(consumer.app, name="consumer")
app.add_typer(handler.app, name="handler")
app.add_typer(mapping.app, name="mapping")
app.add_typer(context.app, name="context")


def main() -> None:
    """Entry point of the `millrace` command."""
    app(prog_name="millrace")
