"""Several real stream services on one PostgreSQL database, and readers that look hard at what they are shown."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import grpc
import psycopg
import sqlalchemy
from google.protobuf import duration_pb2
from millrace.stream.v1 import stream_service_pb2, stream_service_pb2_grpc

from chassis.database import postgres
from tests.support.clients import OPTIONS

pb = stream_service_pb2
TIMEOUT_SECONDS = 20.0
Record = tuple[str, str, str]
"""Sequence number, partition key and data."""
_RUNS = "SELECT shard_key, first, last, previous_last FROM segment ORDER BY shard_key, last"


class Service:
    """One stream service: a process, and a stub."""

    def __init__(self, url: str) -> None:
        self._environment = {"MILLRACE_STREAM_LISTEN": "127.0.0.1:0", "MILLRACE_STREAM_DATABASE_URL": url}
        self._channel: grpc.aio.Channel | None = None
        self.stub: Any = None
        self.start()

    def start(self) -> None:
        """Start the process, without waiting for it."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stream_service"],
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    async def connect(self) -> None:
        """Wait until it serves."""
        assert self.process.stdout is not None
        line = (await asyncio.to_thread(self.process.stdout.readline)).split()
        assert line[:1] == ["ready"], f"the service did not start: {line}"
        # From now on the same address, so that clients find it again.
        self._environment["MILLRACE_STREAM_LISTEN"] = line[1]
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(line[1], options=OPTIONS)
            self.stub = _stub(self._channel)

    async def kill(self) -> None:
        """End the process at once, and start another one in its place."""
        self.process.kill()
        self._wait()
        self.start()
        await self.connect()

    async def close(self) -> None:
        """End it."""
        if self._channel is not None:
            await self._channel.close()
        self.process.terminate()
        self._wait()

    def _wait(self) -> None:
        assert self.process.stdout is not None
        self.process.wait(TIMEOUT_SECONDS)
        self.process.stdout.close()


def _stub(channel: grpc.aio.Channel) -> Any:
    kind: Any = stream_service_pb2_grpc.StreamServiceStub
    return kind(channel)


@contextlib.asynccontextmanager
async def running(url: str, count: int = 2) -> AsyncIterator[list[Service]]:
    """So many services, all started at the same moment."""
    services = [Service(url) for _ in range(count)]
    try:
        for each in services:
            await each.connect()
        yield services
    finally:
        for each in services:
            await each.close()


class Reader:
    """Reads a shard as it grows, in small pieces, each from where the one before ended."""

    def __init__(self, stub: Any, stream: str, shard: str, seed: int) -> None:
        self._stub = stub
        self._stream = stream
        self._shard = shard
        self._random = random.Random(seed)
        self.seen: list[Record] = []

    async def read(self, *, wait_seconds: float = 0.0) -> int:
        """One piece; how many records it had."""
        after = self.seen[-1][0] if self.seen else ""
        position = pb.ShardPosition(stream_name=self._stream, shard_id=self._shard, after_sequence_number=after)
        request = pb.GetRecordsRequest(position=position, limit=self._random.randint(1, 9))
        if wait_seconds:
            request.max_wait.CopyFrom(duration_pb2.Duration(nanos=int(wait_seconds * 1e9)))
        answer = await self._stub.GetRecords(request, timeout=TIMEOUT_SECONDS, wait_for_ready=True)
        self.seen += [(each.sequence_number, each.partition_key, each.data.decode()) for each in answer.records]
        return len(answer.records)

    async def follow(self, done: asyncio.Event) -> None:
        """Read until all is written, and then to the end."""
        while not done.is_set():
            await self.read(wait_seconds=self._random.choice([0.0, 0.02]))
        while await self.read():
            pass


async def whole(stub: Any, stream: str, shard: str) -> list[Record]:
    """All records of a shard."""
    reader = Reader(stub, stream, shard, 0)
    while await reader.read():
        pass
    return reader.seen


async def lineage(stub: Any, stream: str) -> dict[str, Sequence[str]]:
    """The parents of each shard, parents before their children."""
    answer = await stub.ListShards(
        pb.ListShardsRequest(stream_name=stream), timeout=TIMEOUT_SECONDS, wait_for_ready=True
    )
    return {
        each.shard_id: [parent for parent in (each.parent_shard_id, each.adjacent_parent_shard_id) if parent]
        for each in answer.shards
    }


class Snapshots:
    """Looks at the segments themselves, one snapshot after another, as fast as it can.

    Raises where a snapshot has a hole, or where something appeared before what an earlier one had.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._done = threading.Event()
        self._problem: str | None = None
        self.count = 0

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Look for the length of the block."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()
        assert self._problem is None, self._problem

    def _run(self) -> None:
        arguments = postgres.driver_arguments(sqlalchemy.make_url(self._url))
        before: dict[int, list[int]] = {}
        with psycopg.connect(**arguments) as connection:
            while not self._done.is_set() and self._problem is None:
                before = self._look(connection.execute(_RUNS).fetchall(), before)
                self.count += 1

    def _look(self, rows: list[Any], before: dict[int, list[int]]) -> dict[int, list[int]]:
        lasts: dict[int, list[int]] = defaultdict(list)
        for key, first, last, previous in rows:
            if lasts[key] and previous != lasts[key][-1]:
                self._problem = f"shard {key} has a hole between {lasts[key][-1]} and {first}"
            lasts[key].append(last)
        for key, known in before.items():
            if lasts[key][: len(known)] != known:
                self._problem = f"a number of shard {key} appeared before {known[-1]}, which was there already"
        return lasts
