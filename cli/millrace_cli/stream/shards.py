"""`millrace stream shards`."""

from __future__ import annotations

from typing import Any

from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, output
from millrace_cli.output_form import Output
from millrace_cli.session import Session
from millrace_cli.stream import columns


async def shards(session: Session, stream: str, *, is_open: bool, with_traffic: bool) -> None:
    """The shards by id. Raises CallFailed."""
    request = stream_service_pb2.ListShardsRequest(stream_name=stream, include_traffic=with_traffic)
    if is_open:
        request.shard_filter.type = stream_service_pb2.SHARD_FILTER_TYPE_AT_LATEST
    found: list[Any] = []
    traffic: dict[str, Any] = {}
    async with calling.stream_service(session) as service:
        while True:
            page = await service.call("ListShards", request)
            found += page.shards
            traffic |= {each.shard_id: each for each in page.traffic}
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
    shown = [*columns.SHARDS, *(columns.traffic(traffic) if with_traffic else [])]
    if session.output is Output.TABLE or not with_traffic:
        output.rows(session.output, found, shown, empty=f"stream {stream} has no such shards")
    else:
        rows = [_with_traffic(shard, traffic.get(shard.shard_id)) for shard in found]
        output.rows(session.output, rows, shown, empty=f"stream {stream} has no such shards")


def _with_traffic(shard: Any, taken: Any) -> Any:
    """The shard as JSON with `traffic`, null for a closed one."""
    return {**output.as_json(shard), "traffic": None if taken is None else output.as_json(taken)}
