"""`millrace stream split`, `merge` and `scale`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, output
from millrace_cli.failure import UsageFailed
from millrace_cli.output_form import Output
from millrace_cli.session import Session
from millrace_cli.stream import columns


async def split(session: Session, stream: str, shard: str, *, at: str, is_preview: bool) -> None:
    """Split a shard, in the middle unless told otherwise. Raises CallFailed, UsageFailed for an unknown shard."""
    async with calling.stream_service(session) as service:
        request = stream_service_pb2.SplitShardRequest(
            stream_name=stream,
            shard_id=shard,
            new_starting_hash_key=at or await _middle(service, stream, shard),
            validate_only=is_preview,
        )
        answer = await service.call("SplitShard", request)
    _show(session, stream, answer, answer.shards, is_preview=is_preview)


async def merge(session: Session, stream: str, shard: str, adjacent: str, *, is_preview: bool) -> None:
    """Merge two shards, in whichever order they are named. Raises CallFailed."""
    async with calling.stream_service(session) as service:
        first, second = await _by_hash_key(service, stream, shard, adjacent)
        request = stream_service_pb2.MergeShardsRequest(
            stream_name=stream, shard_id=first, adjacent_shard_id=second, validate_only=is_preview
        )
        answer = await service.call("MergeShards", request)
    _show(session, stream, answer, [answer.shard], is_preview=is_preview)


async def scale(session: Session, stream: str, count: int, *, is_preview: bool) -> None:
    """Go to so many shards of equal width. Raises CallFailed."""
    request = stream_service_pb2.UpdateShardCountRequest(
        stream_name=stream, target_shard_count=count, validate_only=is_preview
    )
    async with calling.stream_service(session) as service:
        answer = await service.call("UpdateShardCount", request)
    _show(session, stream, answer, answer.shards, is_preview=is_preview)


def _show(session: Session, stream: str, answer: Any, shards: Sequence[Any], *, is_preview: bool) -> None:
    if is_preview:
        output.note(f"this is how it would be; stream {stream} was not changed")
    if session.output is not Output.TABLE:
        output.one(session.output, answer, [])
        return
    output.rows(session.output, list(shards), columns.SHARDS, empty="no shards result")
    if is_preview and answer.traffic:
        output.note("what the open shards took in the last 300 s:")
        output.rows(session.output, list(answer.traffic), columns.TRAFFIC, empty="no shard is open")


async def _middle(service: Any, stream: str, shard: str) -> str:
    """The hash key in the middle of a shard."""
    ends = (await _find(service, stream, shard)).hash_key_range
    return str((int(ends.starting_hash_key) + int(ends.ending_hash_key) + 1) // 2)


async def _by_hash_key(service: Any, stream: str, *names: str) -> list[str]:
    found = [await _find(service, stream, name) for name in names]
    found.sort(key=lambda each: int(each.hash_key_range.starting_hash_key))
    return [each.shard_id for each in found]


async def _find(service: Any, stream: str, shard: str) -> Any:
    request = stream_service_pb2.ListShardsRequest(stream_name=stream)
    async for each in service.pages("ListShards", request, "shards"):
        if each.shard_id == shard:
            return each
    raise UsageFailed(f"stream {stream} has no shard {shard}; see: millrace stream shards {stream}")
