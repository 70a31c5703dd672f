"""One short method for each RPC: from the message to the use case and back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from millrace.stream.v1 import stream_service_pb2 as pb

from chassis.errors import Unavailable
from stream_service import shard_service, watching
from stream_service.core import resharding
from stream_service.rpc import answers, put_requests, requests, stream_requests
from stream_service.service import StreamService
from stream_service.subscriptions import Subscriptions


class StreamServicer:
    """Serves millrace.stream.v1.StreamService."""

    def __init__(self, service: StreamService, subscriptions: Subscriptions) -> None:
        self._service = service
        self._subscriptions = subscriptions
        self._waiting: set[asyncio.Task[Any]] = set()
        self._is_draining = False

    def drain(self) -> None:
        """End the calls that wait: their callers are told to try again elsewhere or later."""
        self._is_draining = True
        self._service.drain()
        self._subscriptions.drain()
        for task in tuple(self._waiting):
            task.cancel()

    async def CreateStream(self, request: pb.CreateStreamRequest, context: object) -> pb.CreateStreamResponse:
        """See the contract."""
        created = await self._service.create_stream(stream_requests.spec(request), request.request_id)
        return pb.CreateStreamResponse(stream=answers.stream(created))

    async def DescribeStream(self, request: pb.DescribeStreamRequest, context: object) -> pb.DescribeStreamResponse:
        """See the contract."""
        found = await self._service.describe_stream(request.stream_name)
        return pb.DescribeStreamResponse(stream=answers.stream(found), limits=answers.limits())

    async def ListStreams(self, request: pb.ListStreamsRequest, context: object) -> pb.ListStreamsResponse:
        """See the contract."""
        found, token = await self._service.list_streams(request.page_size, request.page_token)
        return pb.ListStreamsResponse(streams=[answers.stream(each) for each in found], next_page_token=token)

    async def UpdateStream(self, request: pb.UpdateStreamRequest, context: object) -> pb.UpdateStreamResponse:
        """See the contract."""
        updated = await self._service.update_stream(stream_requests.change(request), request.request_id)
        return pb.UpdateStreamResponse(stream=answers.stream(updated))

    async def DeleteStream(self, request: pb.DeleteStreamRequest, context: object) -> pb.DeleteStreamResponse:
        """See the contract."""
        await self._service.delete_stream(request.stream_name, force=request.enforce_consumer_deletion)
        return pb.DeleteStreamResponse()

    async def ListShards(self, request: pb.ListShardsRequest, context: object) -> pb.ListShardsResponse:
        """See the contract."""
        page = await self._service.shards.list(
            request.stream_name,
            page_size=request.page_size,
            page_token=request.page_token,
            shard_filter=stream_requests.shard_filter(request),
            with_traffic=request.include_traffic,
        )
        return answers.list_shards(page)

    async def SplitShard(self, request: pb.SplitShardRequest, context: object) -> pb.SplitShardResponse:
        """See the contract."""
        done = await self._reshard(request, stream_requests.split(request))
        return pb.SplitShardResponse(
            shards=[answers.shard(each) for each in done.outcome.opened], traffic=answers.traffic_of(done)
        )

    async def MergeShards(self, request: pb.MergeShardsRequest, context: object) -> pb.MergeShardsResponse:
        """See the contract."""
        done = await self._reshard(request, stream_requests.merge(request))
        return pb.MergeShardsResponse(shard=answers.shard(done.outcome.opened[0]), traffic=answers.traffic_of(done))

    async def UpdateShardCount(
        self, request: pb.UpdateShardCountRequest, context: object
    ) -> pb.UpdateShardCountResponse:
        """See the contract."""
        done = await self._reshard(request, resharding.Scale(request.target_shard_count))
        return pb.UpdateShardCountResponse(
            current_shard_count=len(done.open_before),
            target_shard_count=request.target_shard_count,
            shards=[answers.shard(each) for each in done.open_after],
            traffic=answers.traffic_of(done),
        )

    async def _reshard(self, request: Any, change: resharding.Change) -> shard_service.Resharding:
        return await self._service.shards.reshard(request.stream_name, change, validate_only=request.validate_only)

    async def PutRecord(self, request: pb.PutRecordRequest, context: object) -> pb.PutRecordResponse:
        """See the contract."""
        put = put_requests.put_record(request, now_millis=self._service.now_millis())
        return answers.put_record(await self._service.put_records(put))

    async def PutRecords(self, request: pb.PutRecordsRequest, context: object) -> pb.PutRecordsResponse:
        """See the contract."""
        return answers.put_records(await self._service.put_records(put_requests.put_records(request)))

    async def PeekRecords(self, request: pb.PeekRecordsRequest, context: object) -> bytes:
        """See the contract. Answers the encoded response."""
        pieces = await self._service.peeks.peek(stream_requests.peek(request))
        return b"".join([each.payload for each in pieces])

    async def RegisterStreamConsumer(
        self, request: pb.RegisterStreamConsumerRequest, context: object
    ) -> pb.RegisterStreamConsumerResponse:
        """See the contract."""
        name = request.stream_name
        made = await self._service.consumers.register(name, request.consumer_name, request.request_id)
        return pb.RegisterStreamConsumerResponse(consumer=answers.consumer(name, made))

    async def DescribeStreamConsumer(
        self, request: pb.DescribeStreamConsumerRequest, context: object
    ) -> pb.DescribeStreamConsumerResponse:
        """See the contract."""
        found, consumer = await self._service.consumers.find(request.stream_name, request.consumer_name)
        return pb.DescribeStreamConsumerResponse(consumer=answers.consumer(found.name, consumer))

    async def ListStreamConsumers(
        self, request: pb.ListStreamConsumersRequest, context: object
    ) -> pb.ListStreamConsumersResponse:
        """See the contract."""
        name = request.stream_name
        found, token = await self._service.consumers.list(name, request.page_size, request.page_token)
        return pb.ListStreamConsumersResponse(
            consumers=[answers.consumer(name, each) for each in found], next_page_token=token
        )

    async def DeregisterStreamConsumer(
        self, request: pb.DeregisterStreamConsumerRequest, context: object
    ) -> pb.DeregisterStreamConsumerResponse:
        """See the contract."""
        await self._service.consumers.deregister(request.stream_name, request.consumer_name)
        return pb.DeregisterStreamConsumerResponse()

    async def GetShardIterator(
        self, request: pb.GetShardIteratorRequest, context: object
    ) -> pb.GetShardIteratorResponse:
        """See the contract."""
        text, position = await self._service.shard_iterator(requests.start(request))
        return pb.GetShardIteratorResponse(shard_iterator=text, position=position)

    async def GetRecords(self, request: pb.GetRecordsRequest, context: object) -> bytes:
        """See the contract. Answers the encoded response: the records' bytes as they are stored come first."""
        wanted = requests.read(request)
        place = wanted.place or self._service.place_of_iterator(request.shard_iterator)
        bounds = requests.bounds(request, place.shard_index)
        page = await self._service.get_records(
            place, bounds, max_wait_seconds=wanted.max_wait_seconds, with_iterator=wanted.place is None
        )
        return answers.get_records(page, include_index=request.include_index)

    async def WatchAppends(
        self, request_iterator: AsyncIterator[pb.WatchAppendsRequest], context: object
    ) -> AsyncIterator[pb.WatchAppendsResponse]:
        """See the contract."""
        watch = watching.Watch(self._service.heads, new_records=self._service.new_records)
        arming = asyncio.ensure_future(_arm_all(watch, request_iterator))
        self._waiting.add(arming)
        try:
            async for events in watch.batches(until=arming):
                yield answers.watch(events, self._service.now_millis())
            await self._result(arming)
        finally:
            arming.cancel()
            watch.close()
            self._waiting.discard(arming)

    async def SubscribeToShard(self, request: pb.SubscribeToShardRequest, context: object) -> AsyncIterator[bytes]:
        """See the contract. Answers encoded events."""
        start = requests.subscription(request)
        place, _ = await self._service.start(start, type_field="starting_position")
        _, consumer = await self._service.consumers.find(request.stream_name, request.consumer_name)
        async with contextlib.aclosing(self._subscriptions.subscribe(consumer, place)) as events:
            async for event in events:
                yield event

    async def _result(self, task: asyncio.Task[Any]) -> Any:
        try:
            return await task
        except asyncio.CancelledError:
            if self._is_draining:
                raise Unavailable from None
            raise


async def _arm_all(watch: watching.Watch, incoming: AsyncIterator[pb.WatchAppendsRequest]) -> None:
    async for request in incoming:
        watch.disarm(request.disarm_ids)
        await watch.arm(requests.entries(request))
