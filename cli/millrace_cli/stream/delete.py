"""`millrace stream delete`."""

from __future__ import annotations

import sys

from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, chunks, output
from millrace_cli.failure import UsageFailed, VerbFailed
from millrace_cli.session import Session


async def delete(session: Session, stream: str, *, is_sure: bool, with_consumers: bool) -> None:
    """Raises UsageFailed when nobody can be asked, VerbFailed when the user does not want it, CallFailed."""
    async with calling.stream_service(session) as service:
        request = stream_service_pb2.DescribeStreamRequest(stream_name=stream)
        await service.call("DescribeStream", request)
        if not is_sure:
            await _ask(stream, service.address)
        await service.call(
            "DeleteStream",
            stream_service_pb2.DeleteStreamRequest(stream_name=stream, enforce_consumer_deletion=with_consumers),
        )
    output.note(f"stream {stream} and its records are deleted")


async def _ask(stream: str, address: str) -> None:
    if not sys.stdin.isatty():
        raise UsageFailed(
            f"deleting stream {stream} at {address} takes its records with it; say --yes if that is meant"
        )
    sys.stderr.write(f"Delete stream {stream} at {address} with all its records? Type its name to go on: ")
    sys.stderr.flush()
    if (await chunks.Chunks(sys.stdin.fileno()).next()).decode(errors="replace").strip() != stream:
        raise VerbFailed("nothing was deleted")
