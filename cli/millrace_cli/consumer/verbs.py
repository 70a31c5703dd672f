"""What the verbs of `millrace consumer` do."""

from __future__ import annotations

import uuid

from millrace.stream.v1 import stream_pb2, stream_service_pb2

from millrace_cli import calling, output
from millrace_cli.output import Column
from millrace_cli.session import Session
from millrace_cli.stream import columns

_COLUMNS = [
    Column("CONSUMER", lambda row: row.consumer_name),
    Column("STREAM", lambda row: row.stream_name),
    Column(
        "STATUS",
        lambda row: stream_pb2.StreamConsumerStatus.Name(row.status).removeprefix("STREAM_CONSUMER_STATUS_"),
    ),
    Column("REGISTERED", lambda row: columns.moment(row.create_time)),
    Column("CONSUMER ID", lambda row: row.consumer_id),
]


async def register(session: Session, stream: str, consumer: str) -> None:
    """Raises CallFailed."""
    request = stream_service_pb2.RegisterStreamConsumerRequest(
        stream_name=stream, consumer_name=consumer, request_id=str(uuid.uuid4())
    )
    async with calling.stream_service(session) as service:
        answer = await service.call("RegisterStreamConsumer", request)
    output.one(session.output, answer.consumer, _COLUMNS)


async def list_all(session: Session, stream: str) -> None:
    """Raises CallFailed."""
    request = stream_service_pb2.ListStreamConsumersRequest(stream_name=stream)
    async with calling.stream_service(session) as service:
        found = [each async for each in service.pages("ListStreamConsumers", request, "consumers")]
    empty = f"stream {stream} has no consumers; register one with: millrace consumer register {stream} NAME"
    output.rows(session.output, found, _COLUMNS, empty=empty)


async def describe(session: Session, stream: str, consumer: str) -> None:
    """Raises CallFailed."""
    request = stream_service_pb2.DescribeStreamConsumerRequest(stream_name=stream, consumer_name=consumer)
    async with calling.stream_service(session) as service:
        answer = await service.call("DescribeStreamConsumer", request)
    output.one(session.output, answer.consumer, _COLUMNS)


async def remove(session: Session, stream: str, consumer: str) -> None:
    """Raises CallFailed."""
    request = stream_service_pb2.DeregisterStreamConsumerRequest(stream_name=stream, consumer_name=consumer)
    async with calling.stream_service(session) as service:
        await service.call("DeregisterStreamConsumer", request)
    output.note(f"consumer {consumer} of stream {stream} is removed")
