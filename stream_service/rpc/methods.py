"""The gRPC methods of the service. GetRecords answers bytes that are ready; the others have their messages."""

from __future__ import annotations

from typing import Any

import grpc
from millrace.stream.v1 import stream_service_pb2

from chassis.errors import NotImplementedHere
from stream_service.rpc.stream_servicer import StreamServicer

SERVICE_NAME = "millrace.stream.v1.StreamService"
UNBUILT = (
    "UpdateStream",
    "SplitShard",
    "MergeShards",
    "UpdateShardCount",
    "PeekRecords",
    "RegisterStreamConsumer",
    "DescribeStreamConsumer",
    "ListStreamConsumers",
    "DeregisterStreamConsumer",
)
BUILT = (
    "CreateStream",
    "DescribeStream",
    "ListStreams",
    "DeleteStream",
    "ListShards",
    "PutRecord",
    "PutRecords",
    "GetShardIterator",
    "GetRecords",
)


def handlers(servicer: StreamServicer) -> grpc.GenericRpcHandler:
    """All methods of the contract."""
    made = {name: _unary(name, getattr(servicer, name)) for name in BUILT}
    made |= {name: _unary(name, _refusal(name)) for name in UNBUILT}
    made["WatchAppends"] = grpc.stream_stream_rpc_method_handler(servicer.WatchAppends, **_codecs("WatchAppends"))
    made["SubscribeToShard"] = grpc.unary_stream_rpc_method_handler(
        _refusal("SubscribeToShard"), **_codecs("SubscribeToShard")
    )
    return grpc.method_handlers_generic_handler(SERVICE_NAME, made)


def _unary(name: str, method: Any) -> Any:
    codecs = _codecs(name)
    if name == "GetRecords":
        codecs["response_serializer"] = None
    return grpc.unary_unary_rpc_method_handler(method, **codecs)


def _codecs(name: str) -> dict[str, Any]:
    return {
        "request_deserializer": getattr(stream_service_pb2, f"{name}Request").FromString,
        "response_serializer": getattr(stream_service_pb2, f"{name}Response").SerializeToString,
    }


def _refusal(name: str) -> Any:
    async def refuse(request: object, context: object) -> None:
        raise NotImplementedHere(name)

    return refuse
