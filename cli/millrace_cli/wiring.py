"""Makes what a stack needs: a stream, a handler's registration, a mapping between them. What is there already stays."""

from __future__ import annotations

from collections.abc import Awaitable
from types import ModuleType
from typing import Any

import grpc
from google.protobuf import field_mask_pb2
from millrace.mapping.v1 import (
    event_source_mapping_pb2,
    event_source_mapping_service_pb2,
    event_source_mapping_service_pb2_grpc,
    handler_registry_service_pb2,
    handler_registry_service_pb2_grpc,
)
from millrace.stream.v1 import stream_service_pb2, stream_service_pb2_grpc

from millrace_cli import failure

TIMEOUT_SECONDS = 15.0


async def create_stream(address: str, name: str, *, shard_count: int) -> None:
    """Create the stream, unless it is there."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = _stub(stream_service_pb2_grpc, "StreamServiceStub", channel)
        request = stream_service_pb2.CreateStreamRequest(stream_name=name, shard_count=shard_count)
        await _is_new("CreateStream", stub.CreateStream(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True))


async def register_handler(address: str, name: str, *, endpoint: str) -> None:
    """Register the handler, or move its registration to this endpoint."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = _stub(handler_registry_service_pb2_grpc, "HandlerRegistryServiceStub", channel)
        handler = handler_registry_service_pb2.Handler(handler_name=name, endpoint=endpoint)
        register = handler_registry_service_pb2.RegisterHandlerRequest(handler=handler)
        if await _is_new(
            "RegisterHandler", stub.RegisterHandler(register, timeout=TIMEOUT_SECONDS, wait_for_ready=True)
        ):
            return
        update = handler_registry_service_pb2.UpdateHandlerRequest(
            handler=handler, update_mask=field_mask_pb2.FieldMask(paths=["endpoint"])
        )
        await _is_new("UpdateHandler", stub.UpdateHandler(update, timeout=TIMEOUT_SECONDS))


async def create_mapping(address: str, *, stream: str, handler: str, batch_size: int) -> None:
    """Map the stream to the handler from its oldest record on, unless it is mapped."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = _stub(event_source_mapping_service_pb2_grpc, "EventSourceMappingServiceStub", channel)
        mapping = event_source_mapping_pb2.EventSourceMapping(
            event_source=f"streams/{stream}",
            handler_name=handler,
            starting_position=event_source_mapping_pb2.STARTING_POSITION_TRIM_HORIZON,
            batch_size=batch_size,
        )
        request = event_source_mapping_service_pb2.CreateEventSourceMappingRequest(mapping=mapping)
        await _is_new(
            "CreateEventSourceMapping",
            stub.CreateEventSourceMapping(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True),
        )


def _stub(module: ModuleType, name: str, channel: grpc.aio.Channel) -> Any:
    """A generated stub; generated code has no types."""
    return getattr(module, name)(channel)


async def _is_new(what: str, call: Awaitable[object]) -> bool:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
            raise failure.VerbFailed(f"{what} was refused: {error.code().name}: {error.details()}") from error
        return False
    return True
