"""Every field of every served RPC, found by the descriptors: what no field may be is refused, and nothing changes."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import symbol_database
from google.protobuf.descriptor import MethodDescriptor
from millrace.mapping.v1 import (
    event_source_mapping_service_pb2,
    handler_registry_service_pb2,
    handler_registry_service_pb2_grpc,
    role_service_pb2,
)
from millrace.stream.v1 import stream_service_pb2, stream_service_pb2_grpc

from tests.support import bad_fields, mapping_process, refusals, stream_process

SHARD = "shardId-000000000000"
UNKNOWN_ID = "00000000-0000-0000-0000-000000000007"
SERVICES = [
    stream_service_pb2.DESCRIPTOR.services_by_name["StreamService"],
    event_source_mapping_service_pb2.DESCRIPTOR.services_by_name["EventSourceMappingService"],
    handler_registry_service_pb2.DESCRIPTOR.services_by_name["HandlerRegistryService"],
    role_service_pb2.DESCRIPTOR.services_by_name["RoleService"],
]
METHODS = [method for service in SERVICES for method in service.methods if not method.client_streaming]
GOOD = {
    "stream_name": "orders",
    "shard_id": SHARD,
    "adjacent_shard_id": "shardId-000000000001",
    "partition_key": "key",
    "consumer_name": "reader",
    "new_starting_hash_key": "1000",
    "target_shard_count": 1,
    "event_source": "streams/orders",
    "handler_name": "bill",
    "endpoint": "127.0.0.1:1",
    "mapping_id": UNKNOWN_ID,
    "starting_position": 1,
    "type": stream_service_pb2.SHARD_ITERATOR_TYPE_TRIM_HORIZON,
}
"""A good value of a field, by its name; what is not here is left out."""
TOKENS = {"INVALID_PAGE_TOKEN", "INVALID_SHARD_ITERATOR"}
"""Reasons of their own for values that nobody writes by hand."""


TAKEN = {
    "PutRecord": ("data",),
    "PutRecords": ("records.data",),
    # A test hands on what it is given, so that a handler can be tried with records that no stream holds.
    "InvokeHandler": ("records.",),
}
"""Fields that take these values: 100,000 bytes are a record like any other."""
MESSAGES = ("records", "mapping", "handler", "stream", "position")


def _request_kind(method: MethodDescriptor) -> Any:
    return symbol_database.Default().GetSymbol(method.input_type.full_name)


def _fill(request: Any, *, is_new: bool) -> None:
    for field in request.DESCRIPTOR.fields:
        if field.message_type is None and field.name in GOOD and not (is_new and field.name == "mapping_id"):
            setattr(request, field.name, GOOD[field.name])
        elif field.message_type is not None and field.name in MESSAGES:
            inner = getattr(request, field.name)
            _fill(inner.add() if field.is_repeated else inner, is_new=is_new)


def _bad(method: MethodDescriptor) -> Iterator[bad_fields.BadField]:
    fill = functools.partial(_fill, is_new=method.name.startswith("Create"))
    for bad in bad_fields.of(_request_kind(method), fill):
        if not bad.path.startswith(TAKEN.get(method.name, ("-",))):
            yield bad


def _stub(kind: Any, channel: Any) -> Any:
    """A generated stub, of which mypy knows nothing."""
    return kind(channel)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channels(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Any, Any]]:
    """Channels to both services, which have the stream `orders` and the handler `bill`."""
    folder = tmp_path_factory.mktemp("fields")
    with stream_process.running(folder) as stream, mapping_process.running(folder, stream) as mapping:
        async with grpc.aio.insecure_channel(stream) as streams, grpc.aio.insecure_channel(mapping) as mappings:
            stub = _stub(stream_service_pb2_grpc.StreamServiceStub, streams)
            await stub.CreateStream(stream_service_pb2.CreateStreamRequest(stream_name="orders", shard_count=2))
            registry = _stub(handler_registry_service_pb2_grpc.HandlerRegistryServiceStub, mappings)
            handler = handler_registry_service_pb2.Handler(handler_name="bill", endpoint="127.0.0.1:1")
            await registry.RegisterHandler(handler_registry_service_pb2.RegisterHandlerRequest(handler=handler))
            yield streams, mappings


async def _state(streams: Any, mappings: Any) -> list[bytes]:
    """All that a bad request might have changed, as it is shown."""
    stream, mapping = "/millrace.stream.v1.StreamService", "/millrace.mapping.v1"
    read = stream_service_pb2.PeekRecordsRequest(stream_name="orders")
    shards = stream_service_pb2.ListShardsRequest(stream_name="orders")
    consumers = stream_service_pb2.ListStreamConsumersRequest(stream_name="orders")
    asked = [
        (streams, f"{stream}/ListStreams", b""),
        (streams, f"{stream}/ListShards", shards.SerializeToString()),
        (streams, f"{stream}/ListStreamConsumers", consumers.SerializeToString()),
        (streams, f"{stream}/PeekRecords", read.SerializeToString()),
        (mappings, f"{mapping}.EventSourceMappingService/ListEventSourceMappings", b""),
        (mappings, f"{mapping}.HandlerRegistryService/ListHandlers", b""),
    ]
    return [await channel.unary_unary(name)(request, timeout=10) for channel, name, request in asked]


async def _answer(channel: Any, method: MethodDescriptor, request: bytes) -> refusals.Refusal | None:
    """Why a call is refused; None when it is not. A refusal without details has no reason."""
    name = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.server_streaming:
            async for _ in channel.unary_stream(name)(request, timeout=10):
                return None
        else:
            await channel.unary_unary(name)(request, timeout=10)
    except grpc.aio.AioRpcError as error:
        if "grpc-status-details-bin" in dict(error.trailing_metadata() or ()):
            return refusals.of(error)
        return refusals.Refusal(code=error.code().name, reason="", fields=(), message=error.details() or "")
    return None


def _is_clear(refused: refusals.Refusal | None, path: str) -> bool:
    """Whether a refusal names the field, or the mask that leads to it."""
    if refused is None or refused.code != "INVALID_ARGUMENT":
        return False
    fields = [re.sub(r"\[[^]]*\]", "", field) for field in refused.fields]
    names_it = any(path == field or path.startswith(f"{field}.") for field in fields)
    return names_it or "update_mask" in fields or refused.reason in TOKENS


def _is_built(refused: refusals.Refusal | None) -> bool:
    return refused is None or refused.code != "UNIMPLEMENTED"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
async def test_a_bad_value_of_any_field_is_refused_and_named(
    channels: tuple[Any, Any], method: MethodDescriptor
) -> None:
    channel = channels[0] if method.containing_service.name == "StreamService" else channels[1]
    before = await _state(*channels)
    answers = [(bad, await _answer(channel, method, bad.encoded())) for bad in _bad(method)]
    unclear = [f"{bad}: {said}" for bad, said in answers if _is_built(said) and not _is_clear(said, bad.path)]

    assert not unclear, "\n".join(each[:500] for each in unclear)
    assert await _state(*channels) == before
