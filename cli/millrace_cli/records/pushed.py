"""Reads one shard as a registered consumer: the service pushes, and nothing is asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from millrace.stream.v1 import stream_service_pb2

from millrace_cli import output
from millrace_cli.records.reader import Page, Source
from millrace_cli.records.view import View

SILENCE_SECONDS_MAX = 20.0
"""The service says something every 5 seconds; after so many without a word the call is taken for broken."""

_IN_USE = "SUBSCRIPTION_IN_USE"


class PushedReader:
    """A position in a shard, which moves with each event. Reads like reader.ShardReader."""

    def __init__(self, source: Source, shard_id: str, *, consumer: str, after: str = "") -> None:
        """Starts after a sequence number; empty means at the oldest record."""
        self._source = source
        self._consumer = consumer
        self.shard_id = shard_id
        self._after = after
        self._call: Any = None

    async def read(self, *, wait_seconds: int = 0) -> Page:
        """The next event, with records or without. Raises CallFailed; the next read subscribes again.

        Waits while an older subscription of the consumer is too young to be taken over. `wait_seconds` is ignored.
        """
        while True:
            try:
                event = await self._next()
            except grpc.aio.AioRpcError as error:
                self._call = None
                failed = self._source.service.failed("SubscribeToShard", error)
                if failed.refusal.reason != _IN_USE:
                    raise failed from error
                await asyncio.sleep(failed.refusal.retry_seconds)
            else:
                return self._page(event)

    async def _next(self) -> Any:
        if self._call is None:
            self._call = self._source.service.open("SubscribeToShard", self._request())
        try:
            async with asyncio.timeout(SILENCE_SECONDS_MAX):
                event = await self._call.read()
        except TimeoutError:
            self._call.cancel()
            raise self._broken("no word from the service") from None
        if event is grpc.aio.EOF:
            raise self._broken("the call ended early")
        return event

    def _broken(self, text: str) -> grpc.aio.AioRpcError:
        nothing = grpc.aio.Metadata()
        return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, text)

    def _request(self) -> Any:
        kind = stream_service_pb2.SHARD_ITERATOR_TYPE_TRIM_HORIZON
        if self._after:
            kind = stream_service_pb2.SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER
        return stream_service_pb2.SubscribeToShardRequest(
            stream_name=self._source.stream,
            consumer_name=self._consumer,
            shard_id=self.shard_id,
            starting_position=kind,
            starting_sequence_number=self._after,
        )

    def _page(self, event: Any) -> Page:
        missed = event.missed_records.record_count
        if missed:
            output.note(f"{self.shard_id}: {missed:,} records were trimmed before this read")
        self._after = event.continuation_sequence_number or self._after
        return Page(
            shard_id=self.shard_id,
            records=[View(each) for each in event.records],
            is_end=not event.continuation_sequence_number,
            service_millis=event.service_time.ToMilliseconds(),
            child_shards=event.child_shards,
        )
