"""The `millrace` command. What a verb needs is imported by the verb, so that `--help` is there at once."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Streams that drive handlers.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Output(enum.StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


@app.callback()
def millrace() -> None:
    """Streams that drive handlers."""


@app.command()
def demo(
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TABLE,
) -> None:
    """Put 1,707 real earthquakes through a stream into a handler, with a crash on the way."""
    from millrace_cli import ending
    from millrace_cli.demo import show

    sys.exit(ending.run(show.demo(is_json=output is Output.JSON)))


@app.command()
def dev(
    data: Annotated[Path, typer.Option(help="Folder that keeps the data.")] = Path("data"),
    stream_port: Annotated[int, typer.Option(help="Port of the stream service; 0 takes a free one.")] = 7410,
    mapping_port: Annotated[int, typer.Option(help="Port of the mapping service; 0 takes a free one.")] = 7420,
    handler_port: Annotated[int, typer.Option(help="Port of the example handler; 0 takes a free one.")] = 7500,
) -> None:
    """Start both services and an example handler, and stay; data is kept across restarts."""
    from millrace_cli import dev as verb
    from millrace_cli import ending

    ports = verb.Ports(stream=stream_port, mapping=mapping_port, handler=handler_port)
    sys.exit(ending.run(verb.dev(data, ports)))


def main() -> None:
    """Entry point of the `millrace` command."""
    app()
