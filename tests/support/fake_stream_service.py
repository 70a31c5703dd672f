"""A stream service in memory, in the test's own loop, that fails as it is told: for tests of the Producer."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from millrace.stream.v1 import stream_pb2, stream_service_pb2, stream_service_pb2_grpc

HASH_KEYS = 2**128


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What one PutRecords does wrong."""

    code: grpc.StatusCode | None = None
    """Fail the whole call with this; None does not."""
    reason: str = ""
    """The reason of the ErrorInfo, or of the refused records."""
    retry_after_seconds: float = 0.0
    is_stored: bool = False
    """Whether a failed call stores its records all the same, so that its outcome is unknown to the caller."""
    refused: frozenset[int] = frozenset()
    """Places in the request whose records are refused alone; later ones of their keys are refused for order's sake."""


@dataclass(slots=True)
class FakeStreamService:
    """Every stream exists and has the same shards; what is stored is kept in order."""

    shard_ids: list[str] = field(default_factory=lambda: ["shardId-000000000000"])
    faults: deque[Fault] = field(default_factory=deque)
    list_faults: deque[grpc.StatusCode] = field(default_factory=deque)
    stored: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Shard id, partition key and data of each record, in the order of storing."""
    calls: list[list[bytes]] = field(default_factory=list)
    """The data of each PutRecords that arrived."""
    lists: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """PutRecords waits for it before it does anything."""
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released by each PutRecords that arrives."""
    keys_in_flight: list[str] = field(default_factory=list)
    overlaps: set[str] = field(default_factory=set)
    """Keys that were in two calls at once."""

    async def ListShards(self, request: stream_service_pb2.ListShardsRequest, context: Any) -> Any:
        """One page of all shards, in equal ranges."""
        self.lists += 1
        if self.list_faults:
            await context.abort(self.list_faults.popleft(), "as told")
        width = HASH_KEYS // len(self.shard_ids)
        shards = [
            stream_pb2.Shard(
                shard_id=shard_id,
                hash_key_range=stream_pb2.HashKeyRange(
                    starting_hash_key=str(index * width), ending_hash_key=str((index + 1) * width - 1)
                ),
            )
            for index, shard_id in enumerate(self.shard_ids)
        ]
        closed = stream_pb2.Shard(
            shard_id="shardId-closed",
            hash_key_range=stream_pb2.HashKeyRange(starting_hash_key="1", ending_hash_key="2"),
            sequence_number_range=stream_pb2.SequenceNumberRange(ending_sequence_number="9"),
        )
        return stream_service_pb2.ListShardsResponse(shards=[*shards, closed])

    async def PutRecords(self, request: stream_service_pb2.PutRecordsRequest, context: Any) -> Any:
        """Store, or fail as told."""
        self.calls.append([entry.data for entry in request.records])
        keys = [entry.partition_key for entry in request.records]
        self.overlaps.update(set(keys) & set(self.keys_in_flight))
        self.keys_in_flight += set(keys)
        self.arrived.release()
        try:
            await self.gate.wait()
            return await self._answer(request, context)
        finally:
            for key in set(keys):
                self.keys_in_flight.remove(key)

    async def _answer(self, request: stream_service_pb2.PutRecordsRequest, context: Any) -> Any:
        fault = self.faults.popleft() if self.faults else Fault()
        if fault.code is not None:
            if fault.is_stored:
                self._store(request.records)
            await context.abort_with_status(_status(fault))
        answer = stream_service_pb2.PutRecordsResponse()
        refused_keys: set[str] = set()
        for index, entry in enumerate(request.records):
            if index in fault.refused:
                refused_keys.add(entry.partition_key)
                answer.results.add(reason=fault.reason, message="as told")
            elif entry.partition_key in refused_keys:
                answer.results.add(reason="PRECEDING_RECORD_REFUSED", message="as told")
            else:
                shard_id = self._store([entry])[0]
                answer.results.add(shard_id=shard_id, sequence_number=f"{len(self.stored):030}")
        answer.failed_record_count = sum(bool(result.reason) for result in answer.results)
        return answer

    def _store(self, entries: Iterable[stream_service_pb2.PutRecordsRequestEntry]) -> list[str]:
        shard_ids = []
        for entry in entries:
            digest = hashlib.md5(entry.partition_key.encode()).digest()
            hash_key = int(entry.explicit_hash_key) if entry.explicit_hash_key else int.from_bytes(digest, "big")
            shard_id = self.shard_ids[hash_key * len(self.shard_ids) // HASH_KEYS]
            self.stored.append((shard_id, entry.partition_key, entry.data))
            shard_ids.append(shard_id)
        return shard_ids


@contextlib.asynccontextmanager
async def running(fake: FakeStreamService) -> AsyncIterator[str]:
    """Its address."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 * 1024 * 1024)])
    add: Any = stream_service_pb2_grpc.add_StreamServiceServicer_to_server
    add(_Servicer(fake), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


class _Servicer(stream_service_pb2_grpc.StreamServiceServicer):
    def __init__(self, fake: FakeStreamService) -> None:
        self._fake = fake

    async def ListShards(self, request: stream_service_pb2.ListShardsRequest, context: Any) -> Any:
        return await self._fake.ListShards(request, context)

    async def PutRecords(self, request: stream_service_pb2.PutRecordsRequest, context: Any) -> Any:
        return await self._fake.PutRecords(request, context)


def _status(fault: Fault) -> Any:
    assert fault.code is not None
    status = status_pb2.Status(code=fault.code.value[0], message="as told")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=fault.reason, domain="millrace"))
    if fault.retry_after_seconds:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMicroseconds(int(fault.retry_after_seconds * 1e6))
        status.details.add().Pack(retry)
    return rpc_status.to_status(status)
