"""Random bytes and fields against every RPC of a real stream service: it refuses them, and goes on as before."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from millrace.stream.v1 import stream_service_pb2 as pb

from tests.support import proc, scale
from tests.support.clients import Clients
from tests.support.mill import Service
from tests.support.random_messages import RandomMessages

REQUESTS = scale.choose(small=2_000, full=50_000)
WORKERS = 16
TIMEOUT_SECONDS = 10.0
LOOK_SECONDS = 0.02
GROWTH_BYTES_MAX = 48 << 20
BAD = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE}
OWN_WORDS = "Internal error from Core"
"""What this side's gRPC says where it was still sending when the service had refused the call already."""

RARE = {"MergeShards", "SplitShard", "SubscribeToShard", "UpdateStream"}
"""Few random requests fit what there is."""

NAMES = ["orders", "bills", "news"]
METHODS = list(pb.DESCRIPTOR.services_by_name["StreamService"].methods)


class Fuzz:
    """Sends random requests and counts how they ended, by method and code."""

    def __init__(self, channel: grpc.aio.Channel, chance: random.Random) -> None:
        self._channel = channel
        self._chance = chance
        self.known: dict[str, list[Any]] = {
            "stream_name": [*NAMES, *NAMES, "missing"],
            "consumer_name": ["audit", "search"],
            "shard_id": [f"shardId-{index:012d}" for index in range(8)],
            "adjacent_shard_id": [f"shardId-{index:012d}" for index in range(8)],
            "shard_count": [1, 2, 3],
            "target_shard_count": [1, 2, 3, 4, 6],
            "partition_key": ["a", "b", "schlüssel"],
            "data": [b"", b"data", b"x" * 1_000],
            "producer_id": [b"", b"1" * 16],
            "producer_sequence": [0, 1, 2, 3, 4],
            "explicit_hash_key": ["", "0", str(2**128 - 1)],
            "new_starting_hash_key": [str(2**128 * part // 16) for part in range(16)],
            "paths": ["tags", "retention_period", "write_limits", "read_limits", "max_record_size_bytes"],
            "stream_id": [""],
            "etag": [""],
            "request_id": [""],
            "type": [3, 4, 5],
            "starting_position": [4, 5],
            **{name: [] for name in ("stream", "update_mask", "records", "position", "entries")},
            "seconds": [0, 86_400, 1_700_000_000],
            "nanos": [0, 0, 1_000_000],
            "max_record_size_bytes": [0, 1 << 20],
            "page_token": [""],
            "shard_iterator": [""],
            "starting_sequence_number": [""],
            "after_sequence_number": [""],
            "from_sequence_number": [""],
            "until_sequence_number": [""],
        }
        self._messages = RandomMessages(chance, self.known)
        self.ended: Counter[tuple[str, grpc.StatusCode]] = Counter()
        self.told: dict[tuple[str, grpc.StatusCode], str] = {}

    async def send(self, count: int) -> None:
        """So many requests, some at a time."""
        left = iter(range(count))
        await asyncio.gather(*(self._work(left) for _ in range(WORKERS)))

    async def _work(self, left: Any) -> None:
        for _ in left:
            method = self._chance.choice(METHODS)
            try:
                code = await self._call(method)
            except grpc.aio.AioRpcError as error:
                code = error.code() if error.details() != OWN_WORDS else grpc.StatusCode.CANCELLED
                self.told[(method.name, code)] = str(error.details())
            self.ended[(method.name, code)] += 1

    async def _call(self, method: Any) -> grpc.StatusCode:
        path = f"/{method.containing_service.full_name}/{method.name}"
        if method.name == "WatchAppends":
            requests = [self._messages.encoded(method.input_type) for _ in range(3)]
            return await self._look(self._channel.stream_stream(path)(_each(requests), timeout=TIMEOUT_SECONDS))
        request = self._messages.encoded(method.input_type)
        if method.name == "SubscribeToShard":
            return await self._look(self._channel.unary_stream(path)(request, timeout=TIMEOUT_SECONDS))
        is_patient = method.name != "GetRecords" or self._chance.random() < 0.9
        answer = await self._channel.unary_unary(path)(request, timeout=TIMEOUT_SECONDS if is_patient else LOOK_SECONDS)
        self._learn(method, answer)
        return grpc.StatusCode.OK

    async def _look(self, call: Any) -> grpc.StatusCode:
        """What a stream answers at first; then it is left."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await call.read()
        except TimeoutError:
            pass
        finally:
            call.cancel()
        return grpc.StatusCode.OK

    def _learn(self, method: Any, answer: bytes) -> None:
        """Use tokens, iterators and numbers that were answered in later requests."""
        if method.name == "GetShardIterator":
            found = pb.GetShardIteratorResponse.FromString(answer)
            self._keep("shard_iterator", found.shard_iterator)
            self._keep("after_sequence_number", found.position)
        elif method.name == "PutRecord":
            number = pb.PutRecordResponse.FromString(answer).sequence_number
            for name in ("starting_sequence_number", "from_sequence_number", "until_sequence_number"):
                self._keep(name, number)
        elif method.name == "ListShards":
            self._keep("page_token", pb.ListShardsResponse.FromString(answer).next_page_token)
            self._keep("stream_id", pb.ListShardsResponse.FromString(answer).stream_id)

    def _keep(self, name: str, value: str) -> None:
        if value:
            self.known[name] = [*self.known[name][-7:], value]


async def _each(requests: list[bytes]) -> AsyncIterator[bytes]:
    for each in requests:
        yield each


@pytest.mark.asyncio
@pytest.mark.timeout(400)
async def test_random_requests_are_answered_or_refused_with_a_reason_and_cost_no_memory(tmp_path: Path) -> None:
    environment = {"MILLRACE_STREAM_DATABASE_URL": f"sqlite:///{tmp_path / 'stream.db'}"}
    log = tmp_path / "log"
    service = Service("stream_service", "MILLRACE_STREAM_LISTEN", environment, log)
    await asyncio.to_thread(service.start)
    try:
        async with grpc.aio.insecure_channel(service.address) as channel:
            fuzz = Fuzz(channel, random.Random("fuzz"))
            await fuzz.send(REQUESTS // 2)
            before = proc.forget_peak(service.pid)
            await fuzz.send(REQUESTS - REQUESTS // 2)
        bad = {key: fuzz.told.get(key) for key in fuzz.ended if key[1] in BAD}
        assert bad == {}, log.read_text()[-3_000:]
        assert service.is_running
        assert "call_failed" not in log.read_text()
        assert "Traceback" not in log.read_text()
        assert proc.forget_peak(service.pid) - before < GROWTH_BYTES_MAX
        answered = {name for name, code in fuzz.ended if code is grpc.StatusCode.OK}
        assert {each.name for each in METHODS} - answered <= (set() if scale.is_full() else RARE)
        async with Clients(service.address, service.address) as clients:
            await clients.create_stream("afterwards")
            await clients.put("afterwards", "a")
            assert [data for _, data in (await clients.log("afterwards", 1))["shardId-000000000000"]] == ["a"]
    finally:
        await asyncio.to_thread(service.kill)
