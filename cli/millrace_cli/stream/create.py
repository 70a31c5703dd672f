"""`millrace stream create`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from google.protobuf import duration_pb2
from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, output, quantity
from millrace_cli.session import Session
from millrace_cli.stream import columns


async def create(
    session: Session, stream: str, *, shards: int, retention: str, max_record_size: str, tags: Sequence[str]
) -> None:
    """Raises UsageFailed for what cannot be read, CallFailed."""
    kept = duration_pb2.Duration()
    kept.FromTimedelta(quantity.duration(retention, "--retention"))
    request = stream_service_pb2.CreateStreamRequest(
        stream_name=stream,
        shard_count=quantity.whole(shards, "--shards"),
        retention_period=kept,
        max_record_size_bytes=quantity.size_bytes(max_record_size, "--max-record-size"),
        request_id=str(uuid.uuid4()),
        tags=dict(quantity.pair(each, "--tag") for each in tags),
    )
    async with calling.stream_service(session) as service:
        answer = await service.call("CreateStream", request)
    output.one(session.output, answer.stream, columns.STREAM)
