"""`millrace stream list` and `millrace stream describe`."""

from __future__ import annotations

from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, output
from millrace_cli.output_form import Output
from millrace_cli.session import Session
from millrace_cli.stream import columns


async def list_all(session: Session) -> None:
    """All streams. Raises CallFailed."""
    async with calling.stream_service(session) as service:
        request = stream_service_pb2.ListStreamsRequest()
        found = [each async for each in service.pages("ListStreams", request, "streams")]
    output.rows(
        session.output,
        found,
        columns.STREAMS,
        empty=f"there are no streams at {service.address}; make one with: millrace stream create NAME",
    )


async def describe(session: Session, stream: str) -> None:
    """One stream; in JSON with its limits. Raises CallFailed."""
    async with calling.stream_service(session) as service:
        request = stream_service_pb2.DescribeStreamRequest(stream_name=stream)
        answer = await service.call("DescribeStream", request)
    if session.output is Output.TABLE:
        output.one(session.output, answer.stream, columns.STREAM)
    else:
        output.one(session.output, answer, [])
