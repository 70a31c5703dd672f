"""The services as a benchmark's client sees them."""

from __future__ import annotations

import itertools
import os
from typing import Any

from google.protobuf import field_mask_pb2
from millrace.mapping.v1 import (
    event_source_mapping_pb2,
    event_source_mapping_service_pb2,
    event_source_mapping_service_pb2_grpc,
    handler_registry_service_pb2,
    handler_registry_service_pb2_grpc,
)
from millrace.stream.v1 import stream_pb2, stream_service_pb2, stream_service_pb2_grpc

from benchmarks import wire
from benchmarks.processes import Process

RECORD_BYTES = 1024
TIMEOUT_SECONDS = 30.0


class Streams:
    """A client of the stream service."""

    def __init__(self, process: Process) -> None:
        self.channel = wire.channel(process.address)
        self.stub: Any = stream_service_pb2_grpc.StreamServiceStub(self.channel)

    async def create(self, name: str, shard_count: int) -> None:
        """Create a stream whose limits are evaluated, and never reached."""
        request = stream_service_pb2.CreateStreamRequest(
            stream_name=name,
            shard_count=shard_count,
            write_limits=stream_pb2.WriteLimits(bytes_per_second=1 << 30, records_per_second=1_000_000_000),
            read_limits=stream_pb2.ReadLimits(bytes_per_second=1 << 30, calls_per_second=1_000_000),
        )
        await self.stub.CreateStream(request, timeout=TIMEOUT_SECONDS)

    async def fill(self, name: str, record_count: int, *, explicit_hash_key: str = "") -> None:
        """Put records of RECORD_BYTES, 500 a call."""
        request = self.batch(name, 500, explicit_hash_key=explicit_hash_key)
        for _ in range(record_count // 500):
            answer = await self.stub.PutRecords(request, timeout=TIMEOUT_SECONDS)
            assert answer.failed_record_count == 0

    @staticmethod
    def batch(name: str, count: int, *, explicit_hash_key: str = "") -> stream_service_pb2.PutRecordsRequest:
        """A request of `count` records with keys of their own."""
        request = stream_service_pb2.PutRecordsRequest(stream_name=name)
        for index in range(count):
            request.records.add(
                partition_key=f"key-{index}", data=os.urandom(RECORD_BYTES), explicit_hash_key=explicit_hash_key
            )
        return request

    async def close(self) -> None:
        """Close the channel."""
        await self.channel.close()


class Mappings:
    """A client of the mapping service."""

    _names = itertools.count()

    def __init__(self, process: Process) -> None:
        self.channel = wire.channel(process.address)
        self.stub: Any = event_source_mapping_service_pb2_grpc.EventSourceMappingServiceStub(self.channel)
        self.registry: Any = handler_registry_service_pb2_grpc.HandlerRegistryServiceStub(self.channel)

    async def register(self, endpoint: str) -> str:
        """Register a handler; its name."""
        name = f"handler-{next(self._names)}"
        handler = handler_registry_service_pb2.Handler(handler_name=name, endpoint=endpoint)
        request = handler_registry_service_pb2.RegisterHandlerRequest(handler=handler)
        await self.registry.RegisterHandler(request, timeout=TIMEOUT_SECONDS)
        return name

    async def create(self, stream: str, handler_name: str, **settings: Any) -> str:
        """Create a mapping from the stream's oldest record; its id."""
        mapping = event_source_mapping_pb2.EventSourceMapping(
            event_source=f"streams/{stream}",
            handler_name=handler_name,
            starting_position=event_source_mapping_pb2.STARTING_POSITION_TRIM_HORIZON,
            **settings,
        )
        request = event_source_mapping_service_pb2.CreateEventSourceMappingRequest(mapping=mapping)
        answer = await self.stub.CreateEventSourceMapping(request, timeout=TIMEOUT_SECONDS)
        return str(answer.mapping.mapping_id)

    async def disable(self, mapping_id: str) -> None:
        """Disable a mapping, so that it takes no part in what is measured next."""
        mapping = event_source_mapping_pb2.EventSourceMapping(mapping_id=mapping_id, enabled=False)
        request = event_source_mapping_service_pb2.UpdateEventSourceMappingRequest(
            mapping=mapping, update_mask=field_mask_pb2.FieldMask(paths=["enabled"])
        )
        await self.stub.UpdateEventSourceMapping(request, timeout=TIMEOUT_SECONDS)

    async def close(self) -> None:
        """Close the channels."""
        await self.channel.close()
