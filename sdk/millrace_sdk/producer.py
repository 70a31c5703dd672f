"""Puts records into streams: gathered, in order for each key, tried again when that helps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import grpc

from millrace_sdk import budget, put, stream_client, stream_puts
from millrace_sdk.producer_settings import ProducerSettings
from millrace_sdk.put import Put, PutResult
from millrace_sdk.refusal import ProducerClosed

STREAMS_MAX = 1_024
"""Streams whose shards are remembered; idle ones beyond are asked for again."""


class Producer:
    """A producer on one event loop, for any number of tasks; make one and keep it.

    Puts that come while a call is in flight travel together in the next one; each shard has one call in flight. What
    the service refuses for a while is tried again with growing pauses, within the delivery timeout. Records with the
    same partition key (and explicit hash key) are stored in the order of their puts. An attempt whose outcome stays
    unknown is repeated; as records are numbered, it is stored once all the same. A record that fails in the end with
    `may_be_stored` and is put anew by the caller is another record.

    `service` is the address of the stream service, such as 127.0.0.1:7410, or a channel, which stays open.
    """

    def __init__(self, service: str | grpc.aio.Channel, settings: ProducerSettings | None = None) -> None:
        self._settings = settings or ProducerSettings()
        self._service = service
        self._client: stream_client.StreamClient | None = None
        self._budget = budget.Budget(
            records_max=self._settings.buffered_records_max, bytes_max=self._settings.buffered_bytes_max
        )
        self._streams: dict[str, stream_puts.StreamPuts] = {}
        self._is_closed = False

    async def put(
        self,
        stream: str,
        data: bytes | bytearray | memoryview,
        partition_key: str,
        explicit_hash_key: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> PutResult:
        """Put a record; its place, once it is on disk. Waits for room when too much is on its way.

        `attributes` are small named values that come with the record, such as a trace context; none by default.

        A cancelled put is not sent any more if it was not yet. Raises PutFailed when the record is refused or its
        delivery takes too long, ProducerClosed, TypeError for data that is no bytes, and ValueError for a key or size
        that no stream takes.
        """
        if self._is_closed:
            raise ProducerClosed("the producer is closed")
        data = data if type(data) is bytes else put.checked_data(data)
        size_bytes = put.checked_size(data, partition_key)
        if explicit_hash_key:
            put.check_hash_key(explicit_hash_key)
        if attributes:
            size_bytes += put.attributes_size(attributes)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[PutResult] = loop.create_future()
        one = Put(
            future,
            data,
            partition_key,
            explicit_hash_key or "",
            size_bytes,
            loop.time() + self._settings.delivery_timeout_seconds,
            attributes,
        )
        puts = self._streams.get(stream) or self._open(stream)
        self._budget.admit(puts.send, one)
        return await future

    async def close(self) -> None:
        """Take no more records, wait until all are stored or have failed, and close the connection."""
        self._is_closed = True
        for each in self._streams.values():
            each.hurry()
        await self._budget.idle()
        if self._client is not None:
            await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _open(self, stream: str) -> stream_puts.StreamPuts:
        if self._client is None:
            self._client = stream_client.StreamClient(
                self._service, call_timeout_seconds=self._settings.call_timeout_seconds
            )
        if len(self._streams) >= STREAMS_MAX:
            self._streams = {name: puts for name, puts in self._streams.items() if not puts.is_idle}
        puts = stream_puts.StreamPuts(
            stream, client=self._client, settings=self._settings, release=self._budget.release
        )
        self._streams[stream] = puts
        return puts
