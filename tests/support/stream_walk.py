"""Random steps through every RPC of the stream service, each compared with the reference in stream_model.py."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass
from typing import Any

from millrace.stream.v1 import stream_service_pb2 as pb

from chassis.errors import DomainError, InvalidArgument
from stream_service import subscriptions
from stream_service.core import works
from stream_service.rpc import answers, stream_servicer
from tests.support.stream_house import StreamHouse
from tests.support.stream_model import ModelBucket, ModelShard, ModelStream, NewOne, assert_covered, assert_same
from tests.support.stream_records import World

NAMES = ["orders", "bills"]
CONSUMERS = ["audit", "search"]
PRODUCERS = [b"1" * 16, b"2" * 16]
KEYS = [f"key-{number}" for number in range(6)] + ["schlüssel"]
FILTERS = ["", "AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP"]
TYPES = ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP", "TRIM_HORIZON", "LATEST"]
ITERATOR_MILLIS = 300_000


@dataclass
class HeldIterator:
    """An iterator, and what it has to mean."""

    text: str
    stream: ModelStream
    index: int
    after: int
    made: int


class StreamWalk:
    """The service on a storage, the reference beside it, and the steps."""

    def __init__(self) -> None:
        self.streams: dict[str, ModelStream] = {}
        self.iterators: list[HeldIterator] = []
        self.trimmed_at: float | None = None
        self._requests = itertools.count()

    def open(self, world: World) -> None:
        """Serve on a storage, as a process does when it starts."""
        self.world = world
        house = StreamHouse(world)
        pushed = subscriptions.Subscriptions(
            world.records,
            house.heads,
            world.clock,
            lambda place, found: answers.subscription_event(house.service.page(place, found)),
        )
        world.listeners.append(pushed.on_committed)
        self.rpc = stream_servicer.StreamServicer(house.service, pushed)
        for stream in self.streams.values():
            if world.database is not None:  # memory keeps what it knows
                stream.limits_changed()
            for shard in stream.shards.values():
                shard.reads = None

    @property
    def now(self) -> int:
        """The wall clock."""
        return self.world.clock.unix_millis()

    async def step(self, kind: str, seed: int) -> None:
        """One step."""
        chance = random.Random(seed)
        await getattr(self, f"_{kind}")(chance)

    async def expect(self, reason: str, call: Awaitable[Any]) -> Any:
        """The answer; None where a refusal with this reason was due and came."""
        answer, found = None, ""
        try:
            answer = await call
        except InvalidArgument:
            found = "INVALID_ARGUMENT"
        except DomainError as refused:
            found = refused.reason
        assert found == reason, f"{found or 'an answer'} where {reason or 'an answer'} was due"
        return answer

    def _pick(self, chance: random.Random) -> tuple[str, ModelStream | None]:
        name = chance.choice(NAMES)
        return name, self.streams.get(name)

    async def _create(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        writes, reads = chance.choice([0, 0, 0, 3, 20]), chance.choice([0, 0, 0, 2])
        request = pb.CreateStreamRequest(stream_name=name, shard_count=chance.randint(1, 4))
        request.write_limits.records_per_second, request.read_limits.calls_per_second = writes, reads
        request.request_id = f"00000000-0000-4000-8000-{next(self._requests):012x}"
        answer = await self.expect("STREAM_ALREADY_EXISTS" if known else "", self.rpc.CreateStream(request, None))
        if answer is None:
            return
        again = await self.rpc.CreateStream(request, None)
        assert again.stream.stream_id == answer.stream.stream_id
        made = ModelStream(
            name=name,
            stream_id=answer.stream.stream_id,
            created=self.now,
            horizon_millis=self.now - 86_400_000,
            records_per_second=writes,
            calls_per_second=reads,
            etag=answer.stream.etag,
        )
        self.streams[name] = made
        await self._take_shards(made, self.now)

    async def _take_shards(self, stream: ModelStream, created: int) -> None:
        """Take over new shards from the service; what they may be is checked."""
        listed = await self.rpc.ListShards(pb.ListShardsRequest(stream_name=stream.name), None)
        for each in listed.shards:
            index = int(each.shard_id[8:])
            if index in stream.shards:
                continue
            parents = tuple(int(p[8:]) for p in (each.parent_shard_id, each.adjacent_parent_shard_id) if p)
            shard = ModelShard(
                index=index,
                low=int(each.hash_key_range.starting_hash_key),
                high=int(each.hash_key_range.ending_hash_key),
                floor=int(each.sequence_number_range.starting_sequence_number[:20]),
                created=each.create_time.ToMilliseconds(),
                parents=parents,
            )
            assert shard.created >= created
            assert shard.floor >= (shard.created << 20) - 1
            assert all(shard.floor >= stream.shards[parent].last for parent in parents if parent in stream.shards)
            shard.horizon = shard.floor
            if each.HasField("close_time"):
                shard.closed = each.close_time.ToMilliseconds()
            stream.shards[index] = shard

    async def _update(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        request = pb.UpdateStreamRequest()
        request.stream.stream_name = name
        is_stale = known is not None and chance.random() < 0.2
        if known is not None:
            request.stream.etag = chance.choice(["", known.etag]) if not is_stale else "stale"
        paths = chance.sample(["retention_period", "max_record_size_bytes", "tags", "write_limits", "read_limits"], 2)
        request.update_mask.paths.extend(paths)
        request.stream.retention_period.seconds = 3600 * chance.randint(24, 72)
        request.stream.max_record_size_bytes = chance.choice([1 << 20, 2 << 20])
        request.stream.tags[chance.choice("ab")] = chance.choice("xy")
        request.stream.write_limits.records_per_second = chance.choice([0, 3, 20])
        request.stream.read_limits.calls_per_second = chance.choice([0, 2])
        reason = "STREAM_NOT_FOUND" if known is None else "ETAG_MISMATCH" if is_stale else ""
        answer = await self.expect(reason, self.rpc.UpdateStream(request, None))
        if answer is None or known is None:
            return
        before = (known.records_per_second, known.record_bytes_max)
        self._change(known, request, paths)
        if (known.records_per_second, known.record_bytes_max) != before:
            known.limits_changed()
        known.etag = answer.stream.etag

    def _change(self, known: ModelStream, request: Any, paths: list[str]) -> None:
        wanted = request.stream
        if "retention_period" in paths:
            if wanted.retention_period.seconds < known.retention_seconds:
                known.horizon_millis = max(known.horizon_millis, self.now - wanted.retention_period.seconds * 1000)
            known.retention_seconds = wanted.retention_period.seconds
        if "max_record_size_bytes" in paths:
            known.record_bytes_max = wanted.max_record_size_bytes
        if "tags" in paths:
            known.tags = dict(wanted.tags)
        if "write_limits" in paths:
            known.records_per_second = wanted.write_limits.records_per_second
        if "read_limits" in paths and known.calls_per_second != wanted.read_limits.calls_per_second:
            known.calls_per_second = wanted.read_limits.calls_per_second
            for each in known.shards.values():
                each.reads = None

    async def _delete(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        force = chance.random() < 0.5
        reason = "STREAM_NOT_FOUND" if known is None else ""
        if known is not None and known.consumers and not force:
            reason = "STREAM_HAS_CONSUMERS"
        request = pb.DeleteStreamRequest(stream_name=name, enforce_consumer_deletion=force)
        if await self.expect(reason, self.rpc.DeleteStream(request, None)) is not None:
            del self.streams[name]

    def _new_one(self, chance: random.Random, producer: bytes | None) -> NewOne:
        size = (1 << 20) + 1 if chance.random() < 0.005 else chance.randint(0, 12)
        made = NewOne(chance.choice(KEYS), chance.randbytes(1) * size)
        if chance.random() < 0.2:
            made.explicit = chance.choice([0, (1 << 128) - 1, chance.getrandbits(128)])
        if chance.random() < 0.2:
            made.attributes = {chance.choice("ab"): "x" * chance.randint(0, 9) for _ in range(2)}
        if producer is not None:
            made.producer = (producer, chance.randint(1, 40))
            if chance.random() < 0.8:  # the usual producer gives a number to one record only
                made.key, made.data = KEYS[made.producer[1] % len(KEYS)], b"%d" % made.producer[1]
        return made

    async def _put(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        producer = chance.choice([None, *PRODUCERS])
        records = [self._new_one(chance, producer) for _ in range(chance.randint(1, 6))]
        request = pb.PutRecordsRequest(stream_name=name, all_or_none=chance.random() < 0.3)
        for each in records:
            request.records.add(**_entry(each))
        reason = "STREAM_NOT_FOUND" if known is None else ""
        answer = await self.expect(reason, self.rpc.PutRecords(request, None))
        if answer is None or known is None:
            return
        seconds = self.world.clock.monotonic()
        expected = known.put(records, now=self.now, seconds=seconds, all_or_none=request.all_or_none)
        found = [(each.shard_id, each.sequence_number or each.reason) for each in answer.results]
        assert found == expected
        assert answer.failed_record_count == sum(not each[0] for each in expected)

    async def _put_one(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        record = self._new_one(chance, chance.choice([None, *PRODUCERS]))
        request = pb.PutRecordRequest(stream_name=name, **_entry(record))
        reason, expected = "STREAM_NOT_FOUND", [("", "")]
        if known is not None:
            seconds = self.world.clock.monotonic()
            expected = known.put([record], now=self.now, seconds=seconds, all_or_none=False)
            reason = "" if expected[0][0] else expected[0][1]
        answer = await self.expect(reason, self.rpc.PutRecord(request, None))
        if answer is not None:
            assert (answer.shard_id, answer.sequence_number) == expected[0]

    async def _reshard(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        opened = known.opened() if known is not None else []
        kind = chance.choice(["SplitShard", "MergeShards", "UpdateShardCount"])
        if kind == "SplitShard":
            parent = chance.choice(opened) if opened else ModelShard(0, 0, 100, 0, 0)
            if parent.high - parent.low < 4:
                return
            at = chance.randint(parent.low + 2, parent.high - 1)
            request: Any = pb.SplitShardRequest(shard_id=parent.name, new_starting_hash_key=str(at))
        elif kind == "MergeShards":
            place = chance.randrange(len(opened) - 1) if len(opened) > 1 else 0
            low, high = (
                (opened[place].name, opened[place + 1].name) if len(opened) > 1 else ("shardId-" + "0" * 12,) * 2
            )
            request = pb.MergeShardsRequest(shard_id=low, adjacent_shard_id=high)
        else:
            count = len(opened)
            target = chance.randint((count + 1) // 2, min(2 * count, 8)) if 0 < count <= 8 else count
            request = pb.UpdateShardCountRequest(target_shard_count=target)
        request.stream_name, request.validate_only = name, chance.random() < 0.2
        reason = "STREAM_NOT_FOUND" if known is None else ""
        if known is not None and kind == "MergeShards" and len(opened) == 1:
            reason = "INVALID_ARGUMENT" if 0 in known.shards else "SHARD_NOT_FOUND"
        answer = await self.expect(reason, getattr(self.rpc, kind)(request, None))
        if answer is None or known is None:
            return
        if not request.validate_only:
            await self._take_closed(known)
            await self._take_shards(known, self.now)
        assert_covered(known)

    async def _take_closed(self, stream: ModelStream) -> None:
        listed = await self.rpc.ListShards(pb.ListShardsRequest(stream_name=stream.name), None)
        for each in listed.shards:
            shard = stream.shards.get(int(each.shard_id[8:]))
            if shard is not None and shard.closed is None and each.HasField("close_time"):
                shard.closed = each.close_time.ToMilliseconds()
                assert shard.closed >= self.now
                assert shard.closed > shard.last >> 20
                assert int(each.sequence_number_range.ending_sequence_number[:20]) == shard.last

    async def _iterate(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        if known is None:
            request = pb.GetShardIteratorRequest(stream_name=name, shard_id="shardId-" + "0" * 12, type=5)
            await self.expect("STREAM_NOT_FOUND", self.rpc.GetShardIterator(request, None))
            return
        shard = chance.choice(list(known.shards.values()))
        request, after = self._start(chance, known, shard)
        answer = await self.rpc.GetShardIterator(request, None)
        assert answer.position == shard.text(after)
        self.iterators.append(HeldIterator(answer.shard_iterator, known, shard.index, after, self.now))

    def _start(self, chance: random.Random, known: ModelStream, shard: ModelShard) -> tuple[Any, int]:
        """A request for an iterator, and the position that it means."""
        kind = chance.choice(TYPES)
        request = pb.GetShardIteratorRequest(
            stream_name=known.name, shard_id=shard.name, type=getattr(pb, f"SHARD_ITERATOR_TYPE_{kind}")
        )
        number = chance.choice([shard.floor, shard.last, *(each.number for each in shard.records)])
        after = {"TRIM_HORIZON": shard.horizon, "LATEST": shard.last}.get(kind, 0)
        if kind.endswith("SEQUENCE_NUMBER"):
            request.starting_sequence_number = shard.text(number)
            after = max(shard.horizon, number - (kind == "AT_SEQUENCE_NUMBER"))
        elif kind == "AT_TIMESTAMP":
            millis = min((number >> 20) + chance.randint(-1, 1), self.now)
            request.time.FromMilliseconds(millis)
            after = max(shard.horizon, min((millis << 20) - 1, shard.last))
        return request, after

    async def _read(self, chance: random.Random) -> None:
        if not self.iterators:
            return
        held = chance.choice(self.iterators)
        request = pb.GetRecordsRequest(shard_iterator=held.text, limit=chance.choice([0, 1, 3]))
        is_expired = self.now - held.made > ITERATOR_MILLIS
        answer = await self._get(request, held.stream, held.index, held.after, is_expired=is_expired)
        if answer is None:
            self.iterators.remove(held)
        elif not answer.next_shard_iterator:
            assert answer.end_of_shard
        else:
            after = int(answer.next_position[:20])
            self.iterators.append(HeldIterator(answer.next_shard_iterator, held.stream, held.index, after, self.now))

    async def _read_at(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        if known is None:
            return
        shard = chance.choice(list(known.shards.values()))
        after = chance.choice([0, shard.floor, shard.last, *(each.number for each in shard.records)])
        request = pb.GetRecordsRequest(limit=chance.choice([0, 2]), include_index=chance.random() < 0.3)
        request.position.stream_name, request.position.shard_id = name, shard.name
        if after:
            request.position.after_sequence_number = shard.text(after)
        await self._get(request, known, shard.index, after)

    async def _get(self, request: Any, stream: ModelStream, index: int, after: int, *, is_expired: bool = False) -> Any:
        shard, is_there = stream.shards.get(index), self.streams.get(stream.name) is stream
        reason = "SHARD_ITERATOR_EXPIRED" if is_expired else "" if is_there else "STREAM_NOT_FOUND"
        if not reason and shard is None:
            reason = "SHARD_NOT_FOUND"
        if not reason and shard is not None and stream.calls_per_second:
            seconds = self.world.clock.monotonic()
            if shard.reads is None:
                shard.reads = ModelBucket(stream.calls_per_second, stream.calls_per_second, seconds)
            reason = "" if shard.reads.take(seconds) else "READ_LIMIT_EXCEEDED"
        payload = await self.expect(reason, self.rpc.GetRecords(request, None))
        if payload is None or shard is None:
            return None
        answer = pb.GetRecordsResponse.FromString(payload)
        left = shard.after(after)
        expected = left[: request.limit or None]
        assert_same(answer.records, shard, expected)
        is_tip = len(left) == len(expected)
        assert answer.end_of_shard == (shard.closed is not None and is_tip)
        assert int(answer.next_position[:20]) == (expected[-1].number if expected else max(after, shard.horizon))
        assert answer.HasField("missed_records") == (0 < after < shard.horizon)
        if answer.HasField("missed_records") and after == shard.floor:
            assert answer.missed_records.record_count == shard.trimmed
        children = [each.index for each in stream.shards.values() if index in each.parents]
        assert [int(each.shard_id[8:]) for each in answer.child_shards] == (children if answer.end_of_shard else [])
        assert (answer.millis_behind_latest == 0) or not is_tip
        return answer

    async def _peek(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        request = pb.PeekRecordsRequest(stream_name=name, limit=chance.choice([0, 1, 4, 1_000]))
        if known is None:
            await self.expect("STREAM_NOT_FOUND", self.rpc.PeekRecords(request, None))
            return
        live = [each for each in known.shards.values() if each.closed is None or each.closed > known.horizon_millis]
        if chance.random() < 0.5:
            live = [chance.choice(list(known.shards.values()))]
            request.shard_id = live[0].name
        stored = sorted(
            ((record.number, shard.index, record) for shard in live for record in shard.records),
            key=lambda each: each[:2],
        )
        limit = request.limit or 10
        expected = stored[-limit:]
        if chance.random() < 0.5:
            millis = chance.choice([self.now, *(each[2].millis for each in stored)])
            request.from_time.FromMilliseconds(millis)
            expected = [each for each in stored if each[2].millis >= millis][:limit]
        answer = pb.PeekRecordsResponse.FromString(await self.rpc.PeekRecords(request, None))
        assert [each.sequence_number for each in answer.records] == [f"{n:020d}{i:010d}" for n, i, _ in expected]
        assert [each.data for each in answer.records] == [record.data for _, _, record in expected]

    async def _list(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        kind = chance.choice(FILTERS)
        request = pb.ListShardsRequest(stream_name=name, page_size=chance.choice([0, 1, 3]))
        index, millis = chance.randint(0, 9), self.now - chance.choice([0, 1, chance.randint(0, 200_000_000)])
        if kind:
            request.shard_filter.type = getattr(pb, f"SHARD_FILTER_TYPE_{kind}")
        if kind == "AFTER_SHARD_ID":
            request.shard_filter.shard_id = f"shardId-{index:012d}"
        elif kind.endswith("TIMESTAMP"):
            request.shard_filter.time.FromMilliseconds(millis)
        found: list[int] = []
        while True:
            reason = "STREAM_NOT_FOUND" if known is None else ""
            answer = await self.expect(reason, self.rpc.ListShards(request, None))
            if answer is None or known is None:
                return
            found += [int(each.shard_id[8:]) for each in answer.shards]
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        assert found == known.listed(kind, index=index, millis=millis)

    async def _consumer(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        consumer, is_new = chance.choice(CONSUMERS), chance.random() < 0.6
        has_one = known is not None and consumer in known.consumers
        reason = "STREAM_NOT_FOUND" if known is None else ""
        if is_new:
            reason = reason or ("CONSUMER_ALREADY_EXISTS" if has_one else "")
            made = pb.RegisterStreamConsumerRequest(stream_name=name, consumer_name=consumer)
            answer = await self.expect(reason, self.rpc.RegisterStreamConsumer(made, None))
            if answer is not None and known is not None:
                known.consumers[consumer] = answer.consumer.consumer_id
        else:
            reason = reason or ("" if has_one else "CONSUMER_NOT_FOUND")
            gone = pb.DeregisterStreamConsumerRequest(stream_name=name, consumer_name=consumer)
            answer = await self.expect(reason, self.rpc.DeregisterStreamConsumer(gone, None))
            if answer is not None and known is not None:
                del known.consumers[consumer]
        if known is not None:
            listed = await self.rpc.ListStreamConsumers(pb.ListStreamConsumersRequest(stream_name=name), None)
            assert {each.consumer_name: each.consumer_id for each in listed.consumers} == known.consumers

    async def _subscribe(self, chance: random.Random) -> None:
        name, known = self._pick(chance)
        if known is None or not known.consumers:
            return
        shard = chance.choice(list(known.shards.values()))
        start, after = self._start(chance, known, shard)
        request = pb.SubscribeToShardRequest(
            stream_name=name,
            consumer_name=chance.choice(list(known.consumers)),
            shard_id=shard.name,
            starting_position=start.type,
            starting_sequence_number=start.starting_sequence_number,
            time=start.time if start.HasField("time") else None,
        )
        events: AsyncGenerator[bytes, None] = self.rpc.SubscribeToShard(request, None)  # type: ignore[assignment]
        records: list[Any] = []
        expected = shard.after(after)
        async with contextlib.aclosing(events):
            async for payload in events:
                event = pb.SubscribeToShardResponse.FromString(payload)
                records += event.records
                if event.continuation_sequence_number:
                    assert int(event.continuation_sequence_number[:20]) >= after
                else:
                    children = [each.index for each in known.shards.values() if shard.index in each.parents]
                    assert [int(each.shard_id[8:]) for each in event.child_shards] == children
                if shard.closed is None and len(records) >= len(expected):
                    break
        assert_same(records, shard, expected)

    async def _advance(self, chance: random.Random) -> None:
        self.world.clock.advance(chance.choice([0.001, 0.4, 1, 299, 4 * 3600, 13 * 3600]))

    async def _trim(self, chance: random.Random) -> None:
        now = self.world.clock.monotonic()
        passed, self.trimmed_at = now - (self.trimmed_at or 1_000.0), now
        done = works.Trimmed(is_complete=False)
        for stream in self.streams.values():
            stream.trim(now=self.now, passed_seconds=passed)
        while not done.is_complete:
            done = await self.world.trim(passed)
            passed = 0.0

    async def check_all(self) -> None:
        """Everything that is stored is what has to be stored."""
        listed = await self.rpc.ListStreams(pb.ListStreamsRequest(), None)
        assert [each.stream_name for each in listed.streams] == sorted(self.streams)
        for each in listed.streams:
            known = self.streams[each.stream_name]
            assert (each.stream_id, each.etag, dict(each.tags)) == (known.stream_id, known.etag, known.tags)
            assert each.retention_period.seconds == known.retention_seconds
            assert (each.open_shard_count, each.consumer_count) == (len(known.opened()), len(known.consumers))
            assert_covered(known)
            for shard in known.shards.values():
                found = await self.world.read(0, name=known.name, index=shard.index)
                payload = b"".join(part.payload for part in found.slices)
                assert_same(pb.GetRecordsResponse.FromString(payload).records, shard, shard.records)


def _entry(record: NewOne) -> dict[str, Any]:
    made: dict[str, Any] = {"partition_key": record.key, "data": record.data, "attributes": record.attributes}
    if record.explicit is not None:
        made["explicit_hash_key"] = str(record.explicit)
    if record.producer is not None:
        made["producer_id"], made["producer_sequence"] = record.producer
    return made
