"""Plain gRPC clients of both services for acceptance tests, and a load that writes down every answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from typing import Any

import grpc
from millrace.mapping.v1 import (
    event_source_mapping_pb2,
    event_source_mapping_service_pb2,
    event_source_mapping_service_pb2_grpc,
    handler_registry_service_pb2,
    handler_registry_service_pb2_grpc,
)
from millrace.stream.v1 import stream_service_pb2, stream_service_pb2_grpc

from tests.support.history import Puts

TIMEOUT_SECONDS = 20.0
LOOK_SECONDS = 0.02
KEYS = [f"key-{index}" for index in range(64)]
DEFINITE = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED}
OPTIONS = [
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 200),
]


def _stub(kind: Any, channel: grpc.aio.Channel) -> Any:
    """A generated stub, of which mypy knows nothing."""
    return kind(channel)


class Clients:
    """Stubs of both services."""

    def __init__(self, stream_address: str, mapping_address: str) -> None:
        self._channels = [
            grpc.aio.insecure_channel(address, options=OPTIONS) for address in (stream_address, mapping_address)
        ]
        streams, mappings = self._channels
        self.stream = _stub(stream_service_pb2_grpc.StreamServiceStub, streams)
        self.mapping = _stub(event_source_mapping_service_pb2_grpc.EventSourceMappingServiceStub, mappings)
        self.registry = _stub(handler_registry_service_pb2_grpc.HandlerRegistryServiceStub, mappings)

    async def __aenter__(self) -> Clients:
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            await channel.close()

    async def create_stream(self, name: str, shard_count: int = 1) -> None:
        """Create a stream."""
        request = stream_service_pb2.CreateStreamRequest(stream_name=name, shard_count=shard_count)
        await self.stream.CreateStream(request, timeout=TIMEOUT_SECONDS)

    async def put(self, name: str, *data: str, key: str = "key") -> None:
        """Put records with one key; all must be stored."""
        request = stream_service_pb2.PutRecordsRequest(stream_name=name)
        for each in data:
            request.records.add(partition_key=key, data=each.encode())
        answer = await self.stream.PutRecords(request, timeout=TIMEOUT_SECONDS)
        assert answer.failed_record_count == 0

    async def put_spread(self, name: str, *data: str) -> None:
        """Put records with a key each, so that they come to all shards; all must be stored."""
        request = stream_service_pb2.PutRecordsRequest(stream_name=name)
        for each in data:
            request.records.add(partition_key=each, data=each.encode())
        answer = await self.stream.PutRecords(request, timeout=TIMEOUT_SECONDS)
        assert answer.failed_record_count == 0

    async def register(self, name: str, endpoint: str) -> None:
        """Register a handler."""
        handler = handler_registry_service_pb2.Handler(handler_name=name, endpoint=endpoint)
        request = handler_registry_service_pb2.RegisterHandlerRequest(handler=handler)
        await self.registry.RegisterHandler(request, timeout=TIMEOUT_SECONDS)

    async def map(self, stream: str, handler: str, **settings: Any) -> str:
        """Create a mapping from the oldest record on; its id."""
        mapping = event_source_mapping_pb2.EventSourceMapping(
            event_source=f"streams/{stream}",
            handler_name=handler,
            starting_position=event_source_mapping_pb2.STARTING_POSITION_TRIM_HORIZON,
            **settings,
        )
        request = event_source_mapping_service_pb2.CreateEventSourceMappingRequest(mapping=mapping)
        answer = await self.mapping.CreateEventSourceMapping(request, timeout=TIMEOUT_SECONDS)
        return str(answer.mapping.mapping_id)

    async def get_mapping(self, mapping_id: str) -> Any:
        """A mapping as it is now."""
        request = event_source_mapping_service_pb2.GetEventSourceMappingRequest(mapping_id=mapping_id)
        return (await self.mapping.GetEventSourceMapping(request, timeout=TIMEOUT_SECONDS)).mapping

    async def until_result(self, mapping_id: str, text: str, *, seconds: float = 30.0) -> str:
        """Wait until the mapping's last_processing_result contains a text; the result."""
        looked = asyncio.Event()
        async with asyncio.timeout(seconds):
            while text not in (found := str((await self.get_mapping(mapping_id)).last_processing_result)):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(looked.wait(), LOOK_SECONDS)
        return found

    async def log(self, name: str, shard_count: int) -> dict[str, list[tuple[str, str]]]:
        """Everything that each shard holds: (sequence number, data) in order."""
        return {
            shard_id: await self._shard_log(name, shard_id)
            for shard_id in (f"shardId-{index:012d}" for index in range(shard_count))
        }

    async def _shard_log(self, name: str, shard_id: str) -> list[tuple[str, str]]:
        position = stream_service_pb2.ShardPosition(stream_name=name, shard_id=shard_id)
        found: list[tuple[str, str]] = []
        while True:
            request = stream_service_pb2.GetRecordsRequest(position=position)
            answer = await self.stream.GetRecords(request, timeout=TIMEOUT_SECONDS)
            if not answer.records:
                return found
            found += [(record.sequence_number, record.data.decode()) for record in answer.records]
            position.after_sequence_number = answer.next_position


class Load:
    """Producers that put without a pause and note what they were told. A record is never put again."""

    def __init__(self, clients: Clients, stream: str, *, callers: int = 4, records: int = 25) -> None:
        self._clients = clients
        self._stream = stream
        self._callers = callers
        self._records = records
        self._serial = itertools.count()
        self.puts = Puts()
        self._tasks: list[asyncio.Task[None]] = []
        self._is_on = False

    async def __aenter__(self) -> Load:
        self._is_on = True
        self._tasks = [asyncio.create_task(self._run()) for _ in range(self._callers)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_on = False
        await asyncio.gather(*self._tasks)

    async def _run(self) -> None:
        while self._is_on:
            await self._put(stream_service_pb2.PutRecordsRequest(stream_name=self._stream))

    async def _put(self, request: Any) -> None:
        for _ in range(self._records):
            serial = next(self._serial)
            request.records.add(partition_key=KEYS[serial % len(KEYS)], data=f"record-{serial}".encode())
        data = [entry.data.decode() for entry in request.records]
        asked = time.monotonic()
        try:
            answer = await self._clients.stream.PutRecords(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            if error.code() not in DEFINITE:
                self.puts.unknown.update(data)
            return
        answered = time.monotonic()
        for each, result in zip(data, answer.results, strict=True):
            if result.sequence_number:
                self.puts.stored[each] = (result.shard_id, result.sequence_number)
                self.puts.times[each] = (asked, answered)
