"""Reads one shard, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import duration_pb2
from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, output
from millrace_cli.records.place import Place
from millrace_cli.records.view import View
from millrace_cli.refusal import CallFailed

PAGE_RECORDS_MAX = 1_000
BYTES_OF_ALL_MAX = 64 * 1024 * 1024
PAGE_BYTES = (64 * 1024, 1024 * 1024)
"""Least and most bytes of a page; in between, all shards together keep within BYTES_OF_ALL_MAX."""

_READ_LIMIT = "READ_LIMIT_EXCEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one read brought. `is_end` at the end of a closed shard, `service_millis` is the service's clock."""

    shard_id: str
    records: Sequence[View]
    is_end: bool
    service_millis: int
    child_shards: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A stream in one incarnation."""

    service: calling.Service
    stream: str
    stream_id: str


class ShardReader:
    """A position in a shard, which moves as it reads."""

    def __init__(self, source: Source, shard_id: str, *, after: str = "", page_bytes: int = PAGE_BYTES[1]) -> None:
        """Starts after a sequence number; empty means at the oldest record."""
        self._source = source
        self.shard_id = shard_id
        self._after = after
        self._page_bytes = page_bytes

    async def read(self, *, wait_seconds: int = 0) -> Page:
        """The next records, none when there are none within the time. Raises CallFailed.

        Waits as long as a read limit asks for. Says on standard error when records were trimmed before they were read.
        """
        request = stream_service_pb2.GetRecordsRequest(
            position=stream_service_pb2.ShardPosition(
                stream_name=self._source.stream,
                stream_id=self._source.stream_id,
                shard_id=self.shard_id,
                after_sequence_number=self._after,
            ),
            limit=PAGE_RECORDS_MAX,
            max_bytes=self._page_bytes,
        )
        if wait_seconds:
            request.max_wait.CopyFrom(duration_pb2.Duration(seconds=wait_seconds))
        answer = await self._call(request, wait_seconds)
        if answer.missed_records.record_count:
            output.note(
                f"{self.shard_id}: {answer.missed_records.record_count:,} records were trimmed before this read"
            )
        self._after = answer.next_position or self._after
        return Page(
            shard_id=self.shard_id,
            records=[View(each) for each in answer.records],
            is_end=answer.end_of_shard,
            service_millis=answer.service_time.ToMilliseconds(),
            child_shards=answer.child_shards,
        )

    async def _call(self, request: Any, wait_seconds: int) -> Any:
        while True:
            try:
                return await self._source.service.call("GetRecords", request, extra_seconds=wait_seconds)
            except CallFailed as failed:
                if failed.refusal.reason != _READ_LIMIT:
                    raise
                await asyncio.sleep(failed.refusal.retry_seconds)


def page_bytes(shard_count: int) -> int:
    """How many bytes each of so many shards may bring at a time."""
    least, most = PAGE_BYTES
    return max(least, min(most, BYTES_OF_ALL_MAX // max(1, shard_count)))


async def list_shards(service: calling.Service, stream: str) -> tuple[Source, list[Any]]:
    """The stream's incarnation and its shards within the retention period. Raises CallFailed."""
    request = stream_service_pb2.ListShardsRequest(stream_name=stream)
    found: list[Any] = []
    while True:
        page = await service.call("ListShards", request)
        found += page.shards
        if not page.next_page_token:
            return Source(service, stream, page.stream_id), found
        request.page_token = page.next_page_token


async def position(source: Source, shard_id: str, place: Place) -> str:
    """The sequence number after which a shard is read from a place on; empty means from its oldest record on.

    Raises CallFailed, also for a time that is to come.
    """
    if place.kind == "oldest":
        return ""
    request = stream_service_pb2.GetShardIteratorRequest(stream_name=source.stream, shard_id=shard_id)
    if place.kind == "latest":
        request.type = stream_service_pb2.SHARD_ITERATOR_TYPE_LATEST
    elif place.time is not None:
        request.type = stream_service_pb2.SHARD_ITERATOR_TYPE_AT_TIMESTAMP
        request.time.FromDatetime(place.time)
    else:
        request.type = stream_service_pb2.SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER
        request.starting_sequence_number = place.sequence_number
    return str((await source.service.call("GetShardIterator", request)).position)
