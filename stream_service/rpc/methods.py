"""The gRPC methods of the service. Those that hand out records answer bytes that are ready."""

from __future__ import annotations

from typing import Any

import grpc
from millrace.stream.v1 import stream_service_pb2

from stream_service.rpc.stream_servicer import StreamServicer

SERVICE_NAME = "millrace.stream.v1.StreamService"
UNARY = (
    "CreateStream",
    "DescribeStream",
    "ListStreams",
    "UpdateStream",
    "DeleteStream",
    "ListShards",
    "SplitShard",
    "MergeShards",
    "UpdateShardCount",
    "PutRecord",
    "PutRecords",
    "GetShardIterator",
    "GetRecords",
    "PeekRecords",
    "RegisterStreamConsumer",
    "DescribeStreamConsumer",
    "ListStreamConsumers",
    "DeregisterStreamConsumer",
)
READY_BYTES = ("GetRecords", "PeekRecords", "SubscribeToShard")
"""Their answers come encoded."""


def handlers(servicer: StreamServicer) -> grpc.GenericRpcHandler:
    """All methods of the contract."""
    made = {name: _unary(name, getattr(servicer, name)) for name in UNARY}
    made["WatchAppends"] = grpc.stream_stream_rpc_method_handler(servicer.WatchAppends, **_codecs("WatchAppends"))
    made["SubscribeToShard"] = grpc.unary_stream_rpc_method_handler(
        servicer.SubscribeToShard, **_codecs("SubscribeToShard")
    )
    return grpc.method_handlers_generic_handler(SERVICE_NAME, made)


def _unary(name: str, method: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(method, **_codecs(name))


def _codecs(name: str) -> dict[str, Any]:
    response = getattr(stream_service_pb2, f"{name}Response")
    return {
        "request_deserializer": getattr(stream_service_pb2, f"{name}Request").FromString,
        "response_serializer": None if name in READY_BYTES else response.SerializeToString,
    }
