"""A stream service in the test's own memory, behind the StreamSource Protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from mapping_service.core.errors import StreamNotFound, StreamServiceUnavailable
from mapping_service.core.ports import ShardAddress
from mapping_service.core.shard_events import Read, ReadFailed, RecordsRead
from mapping_service.core.shard_listing import ListedShard, ShardListing, StreamMark
from tests.support.records import a_page

START_MILLIS = 1_700_000_000_000


@dataclass(slots=True)
class FakeShard:
    """A shard: the numbers of its records, and where it comes from."""

    numbers: list[int] = field(default_factory=list)
    parents: tuple[str, ...] = ()
    is_closed: bool = False


@dataclass(slots=True)
class FakeStream:
    """A stream of one incarnation."""

    stream_id: str
    shards: dict[str, FakeShard]


@dataclass(slots=True, eq=False)
class _Watcher:
    shard: ShardAddress
    after: int
    answer: asyncio.Future[str]


class FakeStreams:
    """Streams that tests make, fill, split and delete. Everything that is asked is counted."""

    def __init__(self) -> None:
        self.streams: dict[str, FakeStream] = {}
        self.is_up = True
        self.reads: list[tuple[str, Read]] = []
        self.listings = 0
        self._watchers: list[_Watcher] = []
        self._incarnations = 0

    @property
    def watching(self) -> int:
        """How many watches are armed."""
        return len(self._watchers)

    def create(self, name: str, shards: int = 1) -> FakeStream:
        """A new stream, also where one of that name was deleted."""
        self._incarnations += 1
        made = {f"shardId-{index:012d}": FakeShard() for index in range(shards)}
        self.streams[name] = FakeStream(f"{name}-{self._incarnations}", made)
        self._look()
        return self.streams[name]

    def delete(self, name: str) -> None:
        """Delete a stream; its watches are told."""
        del self.streams[name]
        self._look()

    def put(self, name: str, *numbers: int, shard: int = 0) -> None:
        """Append records."""
        self.streams[name].shards[f"shardId-{shard:012d}"].numbers += numbers
        self._look()

    def split(self, name: str, shard: int = 0) -> list[str]:
        """Close a shard; it has two children."""
        stream = self.streams[name]
        parent = f"shardId-{shard:012d}"
        stream.shards[parent].is_closed = True
        children = [f"shardId-{len(stream.shards) + index:012d}" for index in range(2)]
        stream.shards.update({child: FakeShard(parents=(parent,)) for child in children})
        self._look()
        return children

    async def list_shards(self, stream_name: str) -> ShardListing:
        """See StreamSource."""
        self.listings += 1
        stream = self._stream(stream_name)
        shards = tuple(
            ListedShard(
                shard_id=shard_id,
                parent_shard_ids=shard.parents,
                ending_number=max(shard.numbers, default=0) if shard.is_closed else None,
            )
            for shard_id, shard in stream.shards.items()
        )
        return ShardListing(stream_id=stream.stream_id, shards=shards)

    async def marks(self) -> Mapping[str, StreamMark]:
        """See StreamSource."""
        self._require_up()
        return {name: (await self._listing(name)).mark for name in self.streams}

    async def latest(self, shard: ShardAddress) -> int:
        """See StreamSource."""
        return max(self._stream(shard.stream_name).shards[shard.shard_id].numbers, default=0)

    async def at_time(self, shard: ShardAddress, millis: int) -> int:
        """See StreamSource."""
        numbers = self._stream(shard.stream_name).shards[shard.shard_id].numbers
        return max((number for number in numbers if number >> 20 < millis), default=0)

    async def read(self, shard: ShardAddress, read: Read) -> RecordsRead | ReadFailed:
        """See StreamSource."""
        self.reads.append((shard.shard_id, read))
        if not self.is_up:
            return ReadFailed(problem="the stream service is unavailable", retryable=True)
        found = self._find(shard)
        if found is None:
            return ReadFailed(problem=f"stream {shard.stream_name} not found", retryable=False)
        wanted = [number for number in found.numbers if number > read.after and number <= (read.upto or number)]
        page = wanted[: read.limit_records]
        is_all = len(page) == len(wanted) and read.upto is None
        return RecordsRead(
            page=a_page(page) if page else None,
            position=page[-1] if page else read.after,
            behind_millis=0 if is_all else 1,
            ended=found.is_closed and is_all,
        )

    async def watch(self, shard: ShardAddress, *, after: int) -> str:
        """See StreamSource."""
        watcher = _Watcher(shard, after, asyncio.get_running_loop().create_future())
        self._watchers.append(watcher)
        self._look()
        try:
            return await watcher.answer
        finally:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

    async def service_millis(self) -> int:
        """See StreamSource."""
        return START_MILLIS

    async def _listing(self, name: str) -> ShardListing:
        self.listings -= 1
        return await self.list_shards(name)

    def _require_up(self) -> None:
        if not self.is_up:
            raise StreamServiceUnavailable

    def _stream(self, name: str) -> FakeStream:
        self._require_up()
        stream = self.streams.get(name)
        if stream is None:
            raise StreamNotFound(name)
        return stream

    def _find(self, shard: ShardAddress) -> FakeShard | None:
        stream = self.streams.get(shard.stream_name)
        if stream is None or stream.stream_id != shard.stream_id:
            return None
        return stream.shards.get(shard.shard_id)

    def _look(self) -> None:
        for watcher in list(self._watchers):
            reason = self._reason(watcher)
            if reason is not None:
                self._watchers.remove(watcher)
                if not watcher.answer.done():
                    watcher.answer.set_result(reason)

    def _reason(self, watcher: _Watcher) -> str | None:
        if not watcher.shard.shard_id:
            return "appeared" if watcher.shard.stream_name in self.streams else None
        found = self._find(watcher.shard)
        if found is None:
            return "deleted"
        if any(number > watcher.after for number in found.numbers):
            return "grown"
        return "closed" if found.is_closed else None
