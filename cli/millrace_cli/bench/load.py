"""The load: callers that put without a pause, then readers that read everything back."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling
from millrace_cli.bench.tally import Tally
from millrace_cli.refusal import CallFailed

KEY_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is put: `size_bytes` of data in each record, `batch` records a call, `concurrency` calls at a time."""

    size_bytes: int
    batch: int
    concurrency: int
    seconds: float


async def put(service: calling.Service, stream: str, shape: Shape) -> Tally:
    """Put until the time is over. Raises CallFailed for a refusal that waiting would not mend."""
    tally = Tally()
    end = time.monotonic() + shape.seconds
    await _all([_put_on(service, _request(stream, shape), tally, end) for _ in range(shape.concurrency)])
    return tally


async def read(service: calling.Service, stream: str, concurrency: int) -> Tally:
    """Read every shard to its newest record, at most so many at a time. Raises CallFailed."""
    tally = Tally()
    gate = asyncio.Semaphore(concurrency)
    request = stream_service_pb2.ListShardsRequest(stream_name=stream)
    shards = (await service.call("ListShards", request)).shards
    await _all([_read_shard(service, stream, shard.shard_id, tally, gate) for shard in shards])
    return tally


async def _all(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run them at once; the first failure ends the others and is raised as it is."""
    tasks = [asyncio.ensure_future(each) for each in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _request(stream: str, shape: Shape) -> Any:
    """One request for each caller, sent again and again: random data, a key for each record."""
    request = stream_service_pb2.PutRecordsRequest(stream_name=stream)
    for _ in range(shape.batch):
        request.records.add(partition_key=os.urandom(KEY_LENGTH // 2).hex(), data=os.urandom(shape.size_bytes))
    return request


async def _put_on(service: calling.Service, request: Any, tally: Tally, end: float) -> None:
    count = len(request.records)
    size_bytes = len(request.records[0].data)
    while (began := time.monotonic()) < end:
        try:
            answer = await service.call("PutRecords", request)
        except CallFailed as failed:
            if not failed.refusal.retry_seconds:
                raise
            tally.refused += count
            await asyncio.sleep(min(failed.refusal.retry_seconds, max(0.0, end - time.monotonic())))
            continue
        stored = count - answer.failed_record_count
        tally.add(
            time.monotonic() - began, records=stored, data_bytes=stored * size_bytes, refused=answer.failed_record_count
        )


async def _read_shard(
    service: calling.Service, stream: str, shard_id: str, tally: Tally, gate: asyncio.Semaphore
) -> None:
    position = stream_service_pb2.ShardPosition(stream_name=stream, shard_id=shard_id)
    async with gate:
        while True:
            began = time.monotonic()
            answer = await service.call("GetRecords", stream_service_pb2.GetRecordsRequest(position=position))
            if not answer.records:
                return
            size_bytes = sum(len(record.data) for record in answer.records)
            tally.add(time.monotonic() - began, records=len(answer.records), data_bytes=size_bytes)
            position.after_sequence_number = answer.next_position
