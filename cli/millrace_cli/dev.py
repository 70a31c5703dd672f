"""`millrace dev`: the same stack, on known ports, with data that stays."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from millrace_cli import contexts, lines, stack, wiring
from millrace_cli.demo import run
from millrace_cli.failure import VerbFailed
from millrace_cli.stack import Stack

LOCAL = contexts.BUILT_IN[contexts.LOCAL]
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the stack listens on 127.0.0.1; 0 takes a free port."""

    stream: int
    mapping: int
    handler: int


async def dev(data: Path, ports: Ports) -> int:
    """Run until interrupted. Raises VerbFailed when a port is taken or a process ends by itself."""
    for option, port in (("stream", ports.stream), ("mapping", ports.mapping), ("handler", ports.handler)):
        check_free(port, option=f"--{option}-port")
    async with Stack(data, logs=data / "logs") as running:
        handler = running.start_handler([], port=ports.handler)
        stream = await running.start_stream_service(port=ports.stream).ready()
        mapping = await running.start_mapping_service(stream, port=ports.mapping).ready()
        endpoint = f"127.0.0.1:{await handler.ready()}"
        await wiring.create_stream(stream, run.STREAM, shard_count=run.SHARD_COUNT)
        await wiring.register_handler(mapping, run.HANDLER, endpoint=endpoint)
        await wiring.create_mapping(mapping, stream=run.STREAM, handler=run.HANDLER, batch_size=run.BATCH_SIZE)
        sys.stdout.write(_what_to_try(data, stream=stream, mapping=mapping, handler=endpoint))
        sys.stdout.flush()
        await _stay(running, lines.Lines(handler.stdout))
    return 0


def check_free(port: int, *, option: str) -> None:
    """Raise VerbFailed when somebody listens on the port already."""
    with socket.socket() as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind(("127.0.0.1", port))
        except OSError as error:
            raise VerbFailed(
                f"port {port} is taken: {error.strerror}. Stop what listens on 127.0.0.1:{port}, or choose another "
                f"port with {option}."
            ) from error


async def _stay(running: Stack, handler_lines: lines.Lines) -> None:
    """Show what the handler prints, until a process ends by itself."""
    while True:
        for text in handler_lines.read():
            if not text.startswith("ready "):
                sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
        for each in running.children:
            if each.has_ended:
                raise each.failure("ended by itself")
        await asyncio.sleep(_POLL_SECONDS)


def _what_to_try(data: Path, *, stream: str, mapping: str, handler: str) -> str:
    clone = stack.FOLDER_OF_THE_CLONE
    command = "millrace" if shutil.which("millrace") else ".venv/bin/millrace"
    streams = "" if stream == LOCAL.stream_address else f" --stream-address {stream}"
    mappings = "" if mapping == LOCAL.mapping_address else f" --mapping-address {mapping}"
    return f"""\
stream_service   {stream}
mapping_service  {mapping}
handler          {handler}   {stack.HANDLER.relative_to(clone)}
data             {data}   (logs in {data / "logs"})

Stream "{run.STREAM}" is mapped to the handler, whose lines appear below. Try next, in another terminal:

  put records          {command} put {run.STREAM} --file examples/data/earthquakes.jsonl --key-field network{streams}
  look at the stream   {command} stream describe {run.STREAM}{streams}
  read on as it grows  {command} tail {run.STREAM}{streams}
  look at the mapping  {command} mapping show {run.STREAM}{mappings}
  write a handler      docs/tutorial.md leads through it

Ctrl-C ends all of it; what was put and delivered is kept in {data}.

"""
