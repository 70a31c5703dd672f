"""The two calls that a producer makes."""

from __future__ import annotations

import grpc
from millrace.stream.v1 import stream_pb2, stream_service_pb2

from millrace_sdk import limits

_SERVICE = "/millrace.stream.v1.StreamService"
_PAGE_SIZE = 1_000


class StreamClient:
    """A stream service, over a channel that is ours to close, or not."""

    def __init__(self, service: str | grpc.aio.Channel, *, call_timeout_seconds: float) -> None:
        self._is_ours = isinstance(service, str)
        self._channel = (
            grpc.aio.insecure_channel(service, options=limits.client_options()) if isinstance(service, str) else service
        )
        self._timeout_seconds = call_timeout_seconds
        self._put_records = self._channel.unary_unary(
            f"{_SERVICE}/PutRecords",
            request_serializer=stream_service_pb2.PutRecordsRequest.SerializeToString,
            response_deserializer=stream_service_pb2.PutRecordsResponse.FromString,
        )
        self._list_shards = self._channel.unary_unary(
            f"{_SERVICE}/ListShards",
            request_serializer=stream_service_pb2.ListShardsRequest.SerializeToString,
            response_deserializer=stream_service_pb2.ListShardsResponse.FromString,
        )

    async def put_records(self, request: stream_service_pb2.PutRecordsRequest) -> stream_service_pb2.PutRecordsResponse:
        """One call. Raises grpc.aio.AioRpcError."""
        return await self._put_records(request, timeout=self._timeout_seconds)

    async def shards(self, stream_name: str) -> list[stream_pb2.Shard]:
        """All shards, page by page. Raises grpc.aio.AioRpcError."""
        shards: list[stream_pb2.Shard] = []
        token = ""
        while True:
            request = stream_service_pb2.ListShardsRequest(
                stream_name=stream_name, page_size=_PAGE_SIZE, page_token=token
            )
            page = await self._list_shards(request, timeout=self._timeout_seconds)
            shards.extend(page.shards)
            token = page.next_page_token
            if not token:
                return shards

    async def close(self) -> None:
        """Close the channel if it is ours."""
        if self._is_ours:
            await self._channel.close()
