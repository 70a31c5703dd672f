"""Resharding, listing, peeking, consumers and settings as callers see them over real gRPC."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import duration_pb2, field_mask_pb2
from millrace.stream.v1 import stream_pb2, stream_service_pb2, stream_service_pb2_grpc

from tests.support import refusals, stream_process
from tests.support.refusals import refusal

pb = stream_service_pb2
MIB = 1024 * 1024
HALF = 2**127
names = (f"stream-{index}" for index in itertools.count())
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    """A stub of a real stream service without streams."""
    with stream_process.running(tmp_path_factory.mktemp("stream")) as address:
        options = [("grpc.max_receive_message_length", 16 * MIB), ("grpc.max_send_message_length", 16 * MIB)]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            yield stream_service_pb2_grpc.StreamServiceStub(channel)


def shard(index: int) -> str:
    """A shard's id."""
    return f"shardId-{index:012d}"


async def new_stream(stub: Any, **settings: Any) -> str:
    """The name of a stream just made."""
    name = next(names)
    await stub.CreateStream(pb.CreateStreamRequest(stream_name=name, **settings))
    return name


async def put(stub: Any, name: str, *data: bytes, key: str = "key", **more: Any) -> Any:
    """Put records with one key; the answer."""
    request = pb.PutRecordsRequest(stream_name=name, **more)
    for each in data:
        request.records.add(partition_key=key, data=each)
    return await stub.PutRecords(request, timeout=10)


async def listed(stub: Any, name: str, kind: str = "", **more: Any) -> list[str]:
    """Ids of the shards that a filter keeps."""
    request = pb.ListShardsRequest(stream_name=name)
    if kind:
        request.shard_filter.CopyFrom(
            pb.ShardFilter(type=pb.ShardFilterType.Value(f"SHARD_FILTER_TYPE_{kind}"), **more)
        )
    return [each.shard_id for each in (await stub.ListShards(request, timeout=10)).shards]


async def test_a_split_and_a_merge_answer_what_they_made(stub: Any) -> None:
    name = await new_stream(stub)
    request = pb.SplitShardRequest(stream_name=name, shard_id=shard(0), new_starting_hash_key=str(HALF))
    low, high = (await stub.SplitShard(request)).shards
    merged = await stub.MergeShards(
        pb.MergeShardsRequest(stream_name=name, shard_id=shard(1), adjacent_shard_id=shard(2))
    )
    assert [low.shard_id, high.shard_id, merged.shard.shard_id] == [shard(1), shard(2), shard(3)]
    assert [low.parent_shard_id, low.adjacent_parent_shard_id] == [shard(0), ""]
    assert [merged.shard.parent_shard_id, merged.shard.adjacent_parent_shard_id] == [shard(1), shard(2)]
    assert (low.hash_key_range.ending_hash_key, high.hash_key_range.starting_hash_key) == (str(HALF - 1), str(HALF))
    shards = (await stub.ListShards(pb.ListShardsRequest(stream_name=name))).shards
    parent = shards[0].sequence_number_range
    assert parent.ending_sequence_number < low.sequence_number_range.starting_sequence_number
    assert shards[0].HasField("close_time")
    assert [each.HasField("close_time") for each in shards] == [True, True, True, False]
    described = await stub.DescribeStream(pb.DescribeStreamRequest(stream_name=name))
    assert (described.stream.open_shard_count, described.stream.status) == (1, stream_pb2.STREAM_STATUS_ACTIVE)


async def test_validate_only_shows_the_outcome_and_the_traffic_and_changes_nothing(stub: Any) -> None:
    name = await new_stream(stub, shard_count=2)
    await put(stub, name, *[b"x" * 100] * 3, key="b")  # the second half
    await put(stub, name, b"x" * 100, key="a")
    request = pb.UpdateShardCountRequest(stream_name=name, target_shard_count=4, validate_only=True)
    shown = await stub.UpdateShardCount(request)
    assert (shown.current_shard_count, shown.target_shard_count, len(shown.shards)) == (2, 4, 4)
    assert [each.record_count for each in shown.traffic] == [1, 3]
    assert [each.record_share for each in shown.traffic] == [0.25, 0.75]
    assert sum(each.byte_share for each in shown.traffic) == pytest.approx(1)
    assert await listed(stub, name) == [shard(0), shard(1)]
    done = await stub.UpdateShardCount(pb.UpdateShardCountRequest(stream_name=name, target_shard_count=4))
    assert [each.shard_id for each in done.shards] == [each.shard_id for each in shown.shards]
    assert list(done.traffic) == []
    again = await stub.UpdateShardCount(pb.UpdateShardCountRequest(stream_name=name, target_shard_count=4))
    assert [each.shard_id for each in again.shards] == [each.shard_id for each in done.shards]
    page = await stub.ListShards(pb.ListShardsRequest(stream_name=name, include_traffic=True))
    assert [each.record_count for each in page.traffic] == [0] * 4


async def test_four_shards_become_three_as_kinesis_numbers_them(stub: Any) -> None:
    name = await new_stream(stub, shard_count=4)
    done = await stub.UpdateShardCount(pb.UpdateShardCountRequest(stream_name=name, target_shard_count=3))
    assert [each.shard_id for each in done.shards] == [shard(6), shard(9), shard(10)]
    assert len(await listed(stub, name)) == 11


async def test_the_six_filters(stub: Any) -> None:
    name = await new_stream(stub, shard_count=2)
    created = (await stub.ListShards(pb.ListShardsRequest(stream_name=name))).shards[0].create_time
    done = await stub.SplitShard(
        pb.SplitShardRequest(stream_name=name, shard_id=shard(0), new_starting_hash_key="1000")
    )
    split = done.shards[0].create_time
    old, new = [shard(0), shard(1)], [shard(1), shard(2), shard(3)]
    everything = [shard(index) for index in range(4)]
    assert await listed(stub, name, "AFTER_SHARD_ID", shard_id=shard(1)) == [shard(2), shard(3)]
    assert await listed(stub, name, "AT_TRIM_HORIZON") == old
    assert await listed(stub, name, "FROM_TRIM_HORIZON") == everything == await listed(stub, name)
    assert await listed(stub, name, "AT_LATEST") == new
    assert await listed(stub, name, "AT_TIMESTAMP", time=created) == old
    assert await listed(stub, name, "AT_TIMESTAMP", time=split) == new
    assert await listed(stub, name, "AT_TIMESTAMP", time={"seconds": 1}) == old
    assert await listed(stub, name, "FROM_TIMESTAMP", time=created) == everything
    assert await listed(stub, name, "FROM_TIMESTAMP", time=split) == new


async def test_a_page_token_belongs_to_its_filter(stub: Any) -> None:
    name = await new_stream(stub, shard_count=3)
    latest = pb.ShardFilter(type=pb.SHARD_FILTER_TYPE_AT_LATEST)
    first = await stub.ListShards(pb.ListShardsRequest(stream_name=name, shard_filter=latest, page_size=2))
    rest = await stub.ListShards(
        pb.ListShardsRequest(stream_name=name, shard_filter=latest, page_token=first.next_page_token)
    )
    assert [each.shard_id for each in (*first.shards, *rest.shards)] == [shard(0), shard(1), shard(2)]
    refused = await refusal(stub.ListShards, pb.ListShardsRequest(stream_name=name, page_token=first.next_page_token))
    assert refused.reason == "INVALID_PAGE_TOKEN"


async def test_a_reader_of_a_closed_shard_is_led_to_its_children(stub: Any) -> None:
    name = await new_stream(stub)
    await put(stub, name, b"a")
    position = pb.ShardPosition(stream_name=name, shard_id=shard(0))
    waiting = asyncio.ensure_future(
        stub.GetRecords(
            pb.GetRecordsRequest(
                position=pb.ShardPosition(
                    stream_name=name,
                    shard_id=shard(0),
                    after_sequence_number=(
                        await stub.GetRecords(pb.GetRecordsRequest(position=position))
                    ).next_position,
                ),
                max_wait=duration_pb2.Duration(seconds=20),
            ),
            timeout=10,
        )
    )
    await asyncio.sleep(0)
    await stub.SplitShard(pb.SplitShardRequest(stream_name=name, shard_id=shard(0), new_starting_hash_key="500"))
    answer = await waiting
    assert answer.end_of_shard
    assert [(each.shard_id, list(each.parent_shard_ids)) for each in answer.child_shards] == [
        (shard(1), [shard(0)]),
        (shard(2), [shard(0)]),
    ]


async def test_settings_are_changed_by_mask(stub: Any) -> None:
    name = await new_stream(stub, tags={"b": "2", "a": "1"}, retention_bytes_per_shard=MIB)
    before = (await stub.DescribeStream(pb.DescribeStreamRequest(stream_name=name))).stream
    request = pb.UpdateStreamRequest(
        stream=stream_pb2.Stream(
            stream_name=name,
            etag=before.etag,
            max_record_size_bytes=2 * MIB,
            write_limits=stream_pb2.WriteLimits(records_per_second=1000),
            read_limits=stream_pb2.ReadLimits(calls_per_second=5),
        ),
        update_mask=field_mask_pb2.FieldMask(paths=["max_record_size_bytes", "write_limits", "read_limits"]),
        request_id=str(uuid.uuid4()),
    )
    after = (await stub.UpdateStream(request)).stream
    assert (after.max_record_size_bytes, after.write_limits.records_per_second) == (2 * MIB, 1000)
    assert (dict(after.tags), after.retention_bytes_per_shard) == ({"a": "1", "b": "2"}, MIB)
    assert after.etag != before.etag
    assert (await stub.UpdateStream(request)).stream == after
    request.request_id = ""
    assert (await refusal(stub.UpdateStream, request)).reason == "ETAG_MISMATCH"
    reset = pb.UpdateStreamRequest(
        stream=stream_pb2.Stream(stream_name=name), update_mask=field_mask_pb2.FieldMask(paths=["tags", "read_limits"])
    )
    cleared = (await stub.UpdateStream(reset)).stream
    assert (dict(cleared.tags), cleared.HasField("read_limits")) == ({}, False)


async def test_a_read_limit_refuses_with_the_time_to_come_back(stub: Any) -> None:
    name = await new_stream(stub, read_limits=stream_pb2.ReadLimits(calls_per_second=2))
    request = pb.GetRecordsRequest(position=pb.ShardPosition(stream_name=name, shard_id=shard(0)))
    await stub.GetRecords(request)
    await stub.GetRecords(request)
    refused = await refusal(stub.GetRecords, request)
    assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "READ_LIMIT_EXCEEDED")
    assert len((await stub.PeekRecords(pb.PeekRecordsRequest(stream_name=name))).records) == 0


async def test_a_write_limit_is_told_for_each_record(stub: Any) -> None:
    name = await new_stream(stub, write_limits=stream_pb2.WriteLimits(records_per_second=3))
    answer = await put(stub, name, b"1", b"2", b"3", b"4")
    assert [each.reason for each in answer.results] == ["", "", "", "WRITE_LIMIT_EXCEEDED"]
    assert 0 < answer.results[3].retry_delay_millis <= 334
    request = pb.PutRecordRequest(stream_name=name, partition_key="key")
    refused = await refusal(stub.PutRecord, request)
    assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "WRITE_LIMIT_EXCEEDED")


async def test_numbered_records_and_attributes_over_the_wire(stub: Any) -> None:
    name = await new_stream(stub)
    producer = uuid.uuid4().bytes
    entries = [
        pb.PutRecordsRequestEntry(
            partition_key="key",
            data=b"%d" % number,
            producer_id=producer,
            producer_sequence=number,
            attributes={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "é": "ü"},
        )
        for number in (1, 2)
    ]
    first = await stub.PutRecords(pb.PutRecordsRequest(stream_name=name, records=entries))
    assert await stub.PutRecords(pb.PutRecordsRequest(stream_name=name, records=entries)) == first
    one = await stub.PutRecord(
        pb.PutRecordRequest(stream_name=name, partition_key="key", data=b"1", producer_id=producer, producer_sequence=1)
    )
    assert one.sequence_number == first.results[0].sequence_number
    position = pb.ShardPosition(stream_name=name, shard_id=shard(0))
    read = await stub.GetRecords(pb.GetRecordsRequest(position=position))
    assert [(each.data, each.attributes["é"]) for each in read.records] == [(b"1", "ü"), (b"2", "ü")]
    refused = await refusal(
        stub.PutRecord,
        pb.PutRecordRequest(
            stream_name=name, partition_key="key", data=b"x", producer_id=producer, producer_sequence=1
        ),
    )
    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "PRODUCER_SEQUENCE_REUSED")


async def test_peek_shows_the_last_records_of_all_shards_by_arrival(stub: Any) -> None:
    name = await new_stream(stub, shard_count=4)
    for number in range(30):
        await put(stub, name, b"%d" % number, key=f"key {number}")
    last = (await stub.PeekRecords(pb.PeekRecordsRequest(stream_name=name))).records
    assert [int(each.data) for each in last] == list(range(20, 30))
    everything = (await stub.PeekRecords(pb.PeekRecordsRequest(stream_name=name, limit=1000))).records
    assert [int(each.data) for each in everything] == list(range(30))
    index = int(everything[0].sequence_number[20:])
    mine = [each for each in everything if int(each.sequence_number[20:]) == index]
    one = (await stub.PeekRecords(pb.PeekRecordsRequest(stream_name=name, shard_id=shard(index), limit=2))).records
    assert list(one) == mine[-2:]
    start = pb.PeekRecordsRequest(stream_name=name, from_sequence_number=mine[1].sequence_number, limit=2)
    assert list((await stub.PeekRecords(start)).records) == mine[1:3]
    timed = pb.PeekRecordsRequest(stream_name=name, limit=3)
    timed.from_time.FromMilliseconds(everything[5].approximate_arrival_unix_millis)
    shown = (await stub.PeekRecords(timed)).records
    wanted = [
        each
        for each in everything
        if each.approximate_arrival_unix_millis >= everything[5].approximate_arrival_unix_millis
    ]
    assert list(shown) == wanted[:3]


async def test_a_subscription_pushes_records_and_ends_with_the_children(stub: Any) -> None:
    name = await new_stream(stub)
    request = pb.RegisterStreamConsumerRequest(stream_name=name, consumer_name="audit")
    consumer = (await stub.RegisterStreamConsumer(request)).consumer
    assert (consumer.consumer_name, consumer.status) == ("audit", stream_pb2.STREAM_CONSUMER_STATUS_ACTIVE)
    refused = await refusal(stub.DeleteStream, pb.DeleteStreamRequest(stream_name=name))
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "STREAM_HAS_CONSUMERS")
    await put(stub, name, b"a")
    call = stub.SubscribeToShard(
        pb.SubscribeToShardRequest(
            stream_name=name,
            consumer_name="audit",
            shard_id=shard(0),
            starting_position=pb.SHARD_ITERATOR_TYPE_TRIM_HORIZON,
        ),
        timeout=20,
    )
    first = await call.read()
    assert [each.data for each in first.records] == [b"a"]
    assert first.continuation_sequence_number == first.records[0].sequence_number
    assert first.millis_behind_latest == 0
    stored = await put(stub, name, b"b")
    second = await call.read()
    assert second.records[0].sequence_number == stored.results[0].sequence_number
    await stub.SplitShard(pb.SplitShardRequest(stream_name=name, shard_id=shard(0), new_starting_hash_key="500"))
    last = await call.read()
    assert [each.shard_id for each in last.child_shards] == [shard(1), shard(2)]
    assert (last.continuation_sequence_number, len(last.records)) == ("", 0)
    assert await call.read() is grpc.aio.EOF
    await stub.DeleteStream(pb.DeleteStreamRequest(stream_name=name, enforce_consumer_deletion=True))


async def test_a_subscription_without_its_consumer_is_refused(stub: Any) -> None:
    name = await new_stream(stub)
    request = pb.SubscribeToShardRequest(
        stream_name=name,
        consumer_name="nobody",
        shard_id=shard(0),
        starting_position=pb.SHARD_ITERATOR_TYPE_LATEST,
    )
    for wrong, reason in ((request, "CONSUMER_NOT_FOUND"), (pb.SubscribeToShardRequest(), "INVALID_ARGUMENT")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stub.SubscribeToShard(wrong, timeout=10):
                pass
        assert refusals.of(caught.value).reason == reason


async def test_consumers_are_listed_in_pages(stub: Any) -> None:
    name = await new_stream(stub)
    for consumer_name in ("c", "a", "b"):
        await stub.RegisterStreamConsumer(
            pb.RegisterStreamConsumerRequest(stream_name=name, consumer_name=consumer_name)
        )
    first = await stub.ListStreamConsumers(pb.ListStreamConsumersRequest(stream_name=name, page_size=2))
    rest = await stub.ListStreamConsumers(
        pb.ListStreamConsumersRequest(stream_name=name, page_token=first.next_page_token)
    )
    assert [each.consumer_name for each in (*first.consumers, *rest.consumers)] == ["a", "b", "c"]
    await stub.DeregisterStreamConsumer(pb.DeregisterStreamConsumerRequest(stream_name=name, consumer_name="a"))
    described = await stub.DescribeStream(pb.DescribeStreamRequest(stream_name=name))
    assert (described.stream.consumer_count, described.limits.consumer_count_max) == (2, 1000)


async def test_the_largest_record_passes_and_is_read_alone(stub: Any) -> None:
    name = await new_stream(stub, max_record_size_bytes=10 * MIB)
    key, position = "k" * 256, pb.ShardPosition(shard_id=shard(0))
    await put(stub, name, bytes(10 * MIB - 256), key=key)
    refused = await refusal(
        stub.PutRecord, pb.PutRecordRequest(stream_name=name, partition_key=key, data=bytes(10 * MIB - 255))
    )
    await put(stub, name, b"", key="é" * 256)
    await put(stub, name, bytes(5 * MIB - 3), bytes(5 * MIB - 3))

    position.stream_name = name
    pages = []
    while (answer := await stub.GetRecords(pb.GetRecordsRequest(position=position), timeout=10)).records:
        pages.append([len(record.data) for record in answer.records])
        position.after_sequence_number = answer.next_position
    peeked = await stub.PeekRecords(pb.PeekRecordsRequest(stream_name=name), timeout=10)

    assert refused.reason == "RECORD_TOO_LARGE"
    assert pages == [[10 * MIB - 256], [0, 5 * MIB - 3], [5 * MIB - 3]]
    assert [len(record.data) for record in peeked.records] == [5 * MIB - 3, 5 * MIB - 3]
