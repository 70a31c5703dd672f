"""The stream service, as pollers and use cases need it: StreamSource over gRPC."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf import timestamp_pb2
from millrace.stream.v1 import stream_service_pb2

from chassis.errors import FieldViolation, InvalidArgument
from mapping_service.core.errors import StreamNotFound, StreamServiceUnavailable
from mapping_service.core.ports import Clock, ShardAddress
from mapping_service.core.shard_events import Read, ReadFailed, RecordsRead
from mapping_service.core.shard_listing import ListedShard, ShardListing, StreamMark
from mapping_service.pollers import read_client
from mapping_service.pollers.connection import Connection
from mapping_service.pollers.pace import Pace
from mapping_service.pollers.service_clock import ServiceClock
from mapping_service.pollers.watch_client import WatchClient

CALL_SECONDS = 10.0
READ_SECONDS = 20.0
READS_MAX = 8
"""Reads at a time; more wait. They bound what a start with thousands of shards holds in memory at once."""

KEPT_SECONDS = 1.0
"""How long records that came with an event wait for their read, which follows at once."""

WINDOW_BYTES = 8 * 1024 * 1024
"""More than a page: a read then comes in one go, which delivers a tenth more."""

PAGE_SIZE = 1_000

_SERVICE = "/millrace.stream.v1.StreamService/"
_AWAY = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})
_TYPE = stream_service_pb2.ShardIteratorType

T = TypeVar("T")


class StreamClient:
    """StreamSource; see there for the promises. Made on the running loop; `run` keeps the watch up."""

    def __init__(self, target: str, clock: Clock) -> None:
        self.clock = ServiceClock(clock)
        self._connection = Connection(target, window_bytes=WINDOW_BYTES)
        self._pace = Pace(clock)
        self._watch = WatchClient(self._connection, clock, service_clock=self.clock, pace=self._pace)
        self._reads = asyncio.Semaphore(READS_MAX)
        self._brought: dict[tuple[ShardAddress, int], bytes] = {}
        pb = stream_service_pb2
        self._get_records: Any = self._connection.channel.unary_unary(read_client.METHOD)
        self._list_shards = self._method("ListShards", pb.ListShardsRequest, pb.ListShardsResponse)
        self._list_streams = self._method("ListStreams", pb.ListStreamsRequest, pb.ListStreamsResponse)
        self._get_iterator = self._method("GetShardIterator", pb.GetShardIteratorRequest, pb.GetShardIteratorResponse)

    @property
    def is_connected(self) -> bool:
        """Whether the stream service is connected now."""
        return self._connection.is_ready

    async def run(self) -> None:
        """Keep the watch up, for ever."""
        await self._watch.run()

    async def close(self) -> None:
        """Close the connection; what is under way is cancelled."""
        await self._connection.close()

    async def list_shards(self, stream_name: str) -> ShardListing:
        """See StreamSource."""
        while True:
            first = await self._shard_page(stream_name, "")
            shards, token = list(first.shards), first.next_page_token
            stream_ids = {first.stream_id}
            while token:
                page = await self._shard_page(stream_name, token)
                shards += page.shards
                token = page.next_page_token
                stream_ids.add(page.stream_id)
            if len(stream_ids) == 1:
                return ShardListing(stream_id=first.stream_id, shards=tuple(_listed(shard) for shard in shards))

    async def marks(self) -> dict[str, StreamMark]:
        """See StreamSource."""
        marks: dict[str, StreamMark] = {}
        token = ""
        while True:
            request = stream_service_pb2.ListStreamsRequest(page_size=PAGE_SIZE, page_token=token)
            answer = await _raising(self._list_streams(request, timeout=CALL_SECONDS))
            for stream in answer.streams:
                marks[stream.stream_name] = StreamMark(stream.stream_id, stream.open_shard_count)
            token = answer.next_page_token
            if not token:
                return marks

    async def latest(self, shard: ShardAddress) -> int:
        """See StreamSource."""
        return await self._position(shard, type=_TYPE.SHARD_ITERATOR_TYPE_LATEST)

    async def at_time(self, shard: ShardAddress, millis: int) -> int:
        """See StreamSource."""
        time = timestamp_pb2.Timestamp()
        time.FromMilliseconds(millis)
        return await self._position(shard, type=_TYPE.SHARD_ITERATOR_TYPE_AT_TIMESTAMP, time=time)

    async def read(self, shard: ShardAddress, read: Read) -> RecordsRead | ReadFailed:
        """See StreamSource."""
        kept = self._brought.pop((shard, read.after), None)
        if kept is not None and read.upto is None:
            return self._answered(kept, read)
        await self._pace.turn()
        async with self._reads:
            try:
                payload = await self._get_records(read_client.request(shard, read), timeout=READ_SECONDS)
            except grpc.aio.AioRpcError as error:
                return _failure(error, shard)
        return self._answered(payload, read)

    def _answered(self, payload: bytes, read: Read) -> RecordsRead:
        brought, service_millis = read_client.answer(payload, read)
        self.clock.heard(service_millis)
        return brought

    async def watch(self, shard: ShardAddress, *, after: int) -> str:
        """See StreamSource."""
        reason, brought = await self._watch.watch(read_client.position(shard, after=after))
        if brought:
            self._keep(shard, after, brought)
        return reason

    def _keep(self, shard: ShardAddress, after: int, brought: bytes) -> None:
        """What came with an event answers the read that follows it, and is forgotten when there is none."""
        self._brought[shard, after] = brought
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._brought.pop, (shard, after), None)

    async def service_millis(self) -> int:
        """See StreamSource."""
        millis = self.clock.millis()
        if millis is None:
            raise StreamServiceUnavailable
        return millis

    async def _shard_page(self, stream_name: str, token: str) -> stream_service_pb2.ListShardsResponse:
        request = stream_service_pb2.ListShardsRequest(stream_name=stream_name, page_size=PAGE_SIZE, page_token=token)
        answer: stream_service_pb2.ListShardsResponse = await _raising(
            self._list_shards(request, timeout=CALL_SECONDS), stream_name
        )
        return answer

    async def _position(self, shard: ShardAddress, **start: Any) -> int:
        request = stream_service_pb2.GetShardIteratorRequest(
            stream_name=shard.stream_name, shard_id=shard.shard_id, **start
        )
        answer = await _raising(self._get_iterator(request, timeout=CALL_SECONDS), shard.stream_name)
        return read_client.number(answer.position)

    def _method(self, name: str, request: Any, response: Any) -> Callable[..., Awaitable[Any]]:
        method: Callable[..., Awaitable[Any]] = self._connection.channel.unary_unary(
            _SERVICE + name,
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        return method


async def _raising(call: Awaitable[T], stream_name: str = "") -> T:
    """The answer of a call, with its errors as ours."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        match error.code().name:
            case "NOT_FOUND":
                raise StreamNotFound(stream_name) from error
            case "INVALID_ARGUMENT":
                field, text = "mapping.starting_position_time", error.details() or ""
                raise InvalidArgument(FieldViolation(field, f"the stream service refuses it: {text}")) from error
        raise StreamServiceUnavailable from error


def _failure(error: grpc.aio.AioRpcError, shard: ShardAddress) -> ReadFailed:
    code = error.code().name
    if code in _AWAY:
        return ReadFailed(problem="the stream service is unavailable", retryable=True)
    if code == "RESOURCE_EXHAUSTED":
        return ReadFailed(problem=f"the read limit of stream {shard.stream_name} is reached", retryable=True)
    if code == "NOT_FOUND":
        return ReadFailed(problem=f"stream {shard.stream_name} not found", retryable=False)
    if code == "DATA_LOSS":
        problem = f"records of stream {shard.stream_name}, {shard.shard_id} are damaged: {error.details()}"
        return ReadFailed(problem=problem, retryable=False, data_loss=True)
    return ReadFailed(problem=f"the stream service refuses to read: {code}", retryable=False)


def _listed(shard: Any) -> ListedShard:
    parents = tuple(parent for parent in (shard.parent_shard_id, shard.adjacent_parent_shard_id) if parent)
    ending = shard.sequence_number_range.ending_sequence_number
    return ListedShard(
        shard_id=shard.shard_id,
        parent_shard_ids=parents,
        ending_number=read_client.number(ending) if ending else None,
    )
