"""`millrace stream create`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, output, quantity
from millrace_cli.session import Session
from millrace_cli.stream import change, columns
from millrace_cli.stream.change import Settings


async def create(session: Session, stream: str, settings: Settings, *, shards: int, tags: Sequence[str]) -> None:
    """Raises UsageFailed for what cannot be read, CallFailed."""
    request = stream_service_pb2.CreateStreamRequest(
        stream_name=stream,
        shard_count=quantity.whole(shards, "--shards"),
        request_id=str(uuid.uuid4()),
        tags=dict(quantity.pair(each, "--tag") for each in tags),
    )
    change.put_into(request, settings)
    change.put_limits_into(request, request, settings)
    async with calling.stream_service(session) as service:
        answer = await service.call("CreateStream", request)
    output.one(session.output, answer.stream, columns.STREAM)
