"""Every field of every served RPC of the stream service: bad input gets a clear refusal and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import duration_pb2, timestamp_pb2
from millrace.stream.v1 import stream_pb2, stream_service_pb2, stream_service_pb2_grpc

from tests.support import refusals, stream_process
from tests.support.refusals import refusal

MIB = 1024 * 1024
SHARD, SHARD_1 = "shardId-000000000000", "shardId-000000000001"
OTHER_SHARD_NUMBER = "0" * 29 + "1"
pb = stream_service_pb2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    """A stub of a real stream service that has the streams `orders` (2 shards) and `bills` (1 shard)."""
    with stream_process.running(tmp_path_factory.mktemp("stream")) as address:
        async with grpc.aio.insecure_channel(address) as channel:
            made: Any = stream_service_pb2_grpc.StreamServiceStub(channel)
            await made.CreateStream(pb.CreateStreamRequest(stream_name="orders", shard_count=2))
            await made.CreateStream(pb.CreateStreamRequest(stream_name="bills"))
            yield made


def entry(**fields: Any) -> Any:
    """A record to put, good but for what is given."""
    return pb.PutRecordsRequestEntry(**{"partition_key": "key", "data": b"x", **fields})


def put_records(*entries: Any, **fields: Any) -> Any:
    """A PutRecords request, good but for what is given."""
    return pb.PutRecordsRequest(**{"stream_name": "orders", "records": entries or (entry(),), **fields})


def iterator_request(**fields: Any) -> Any:
    """A GetShardIterator request, good but for what is given."""
    good = {"stream_name": "orders", "shard_id": SHARD, "type": pb.SHARD_ITERATOR_TYPE_TRIM_HORIZON}
    return pb.GetShardIteratorRequest(**{**good, **fields})


def at_position(**fields: Any) -> Any:
    """A GetRecords request from a position, good but for what is given of the position."""
    position = pb.ShardPosition(**{"stream_name": "orders", "shard_id": SHARD, **fields})
    return pb.GetRecordsRequest(position=position)


def with_fields(request: Any, change: Callable[[Any], Any]) -> Any:
    """The request after a change."""
    change(request)
    return request


def seconds(value: int, nanos: int = 0) -> duration_pb2.Duration:
    """A duration."""
    return duration_pb2.Duration(seconds=value, nanos=nanos)


def writing(byte_count: int, records: int) -> stream_pb2.WriteLimits:
    """Write limits."""
    return stream_pb2.WriteLimits(bytes_per_second=byte_count, records_per_second=records)


def reading(byte_count: int, calls: int) -> stream_pb2.ReadLimits:
    """Read limits."""
    return stream_pb2.ReadLimits(bytes_per_second=byte_count, calls_per_second=calls)


def filtered(kind: int, **fields: Any) -> Any:
    """A ListShards request with a filter."""
    return pb.ListShardsRequest(stream_name="orders", shard_filter={"type": kind, **fields})


def updating(*paths: str, **fields: Any) -> Any:
    """An UpdateStream request."""
    return pb.UpdateStreamRequest(stream={"stream_name": "orders", **fields}, update_mask={"paths": paths})


def split(**fields: Any) -> Any:
    """A SplitShard request, good but for what is given."""
    good = {"stream_name": "orders", "shard_id": SHARD, "new_starting_hash_key": "1000"}
    return pb.SplitShardRequest(**{**good, **fields})


def merge(**fields: Any) -> Any:
    """A MergeShards request, good but for what is given."""
    return pb.MergeShardsRequest(**{"stream_name": "orders", "shard_id": SHARD, "adjacent_shard_id": SHARD_1, **fields})


def scale(target: int) -> Any:
    """An UpdateShardCount request."""
    return pb.UpdateShardCountRequest(stream_name="orders", target_shard_count=target)


MANY = {f"n{number}": "" for number in range(51)}
CREATE = pb.CreateStreamRequest
REFUSED = [
    ("CreateStream", CREATE(), "stream_name"),
    ("CreateStream", CREATE(stream_name="a" * 129), "stream_name"),
    ("CreateStream", CREATE(stream_name="white space"), "stream_name"),
    ("CreateStream", CREATE(stream_name="ünïcode"), "stream_name"),
    ("CreateStream", CREATE(stream_name="line\n"), "stream_name"),
    ("CreateStream", CREATE(stream_name="new", shard_count=-1), "shard_count"),
    ("CreateStream", CREATE(stream_name="new", shard_count=10_001), "shard_count"),
    ("CreateStream", CREATE(stream_name="new", retention_period=seconds(24 * 3600 - 1)), "retention_period"),
    ("CreateStream", CREATE(stream_name="new", retention_period=seconds(8760 * 3600 + 1)), "retention_period"),
    ("CreateStream", CREATE(stream_name="new", retention_period=seconds(-1)), "retention_period"),
    ("CreateStream", CREATE(stream_name="new", retention_period=seconds(86400, 5)), "retention_period"),
    ("CreateStream", CREATE(stream_name="new", retention_period=seconds(86400, 2_000_000_000)), "retention_period"),
    ("CreateStream", CREATE(stream_name="new", max_record_size_bytes=MIB - 1), "max_record_size_bytes"),
    ("CreateStream", CREATE(stream_name="new", max_record_size_bytes=10 * MIB + 1), "max_record_size_bytes"),
    ("CreateStream", CREATE(stream_name="new", max_record_size_bytes=-1), "max_record_size_bytes"),
    ("CreateStream", CREATE(stream_name="new", request_id="not a uuid"), "request_id"),
    ("CreateStream", CREATE(stream_name="new", tags={f"k{n}": "" for n in range(51)}), "tags"),
    ("CreateStream", CREATE(stream_name="new", tags={"": "b"}), "tags['']"),
    ("CreateStream", CREATE(stream_name="new", tags={"a" * 129: "b"}), f"tags['{'a' * 60}']"),
    ("CreateStream", CREATE(stream_name="new", tags={"a%": "b"}), "tags['a%']"),
    ("CreateStream", CREATE(stream_name="new", tags={"aws:a": "b"}), "tags['aws:a']"),
    ("CreateStream", CREATE(stream_name="new", tags={"a": "b" * 257}), "tags['a']"),
    ("CreateStream", CREATE(stream_name="new", tags={"a": "b,c"}), "tags['a']"),
    ("CreateStream", CREATE(stream_name="new", write_limits=writing(1_023, 0)), "write_limits.bytes_per_second"),
    ("CreateStream", CREATE(stream_name="new", write_limits=writing(0, -1)), "write_limits.records_per_second"),
    ("CreateStream", CREATE(stream_name="new", read_limits=reading(-5, 0)), "read_limits.bytes_per_second"),
    ("CreateStream", CREATE(stream_name="new", read_limits=reading(0, 10**7)), "read_limits.calls_per_second"),
    ("CreateStream", CREATE(stream_name="new", retention_bytes_per_shard=-1), "retention_bytes_per_shard"),
    ("CreateStream", CREATE(stream_name="new", retention_bytes_per_shard=1), "retention_bytes_per_shard"),
    ("DescribeStream", pb.DescribeStreamRequest(), "stream_name"),
    ("DescribeStream", pb.DescribeStreamRequest(stream_name="a b"), "stream_name"),
    ("DeleteStream", pb.DeleteStreamRequest(), "stream_name"),
    ("ListStreams", pb.ListStreamsRequest(page_size=-1), "page_size"),
    ("ListStreams", pb.ListStreamsRequest(page_size=10_001), "page_size"),
    ("ListShards", pb.ListShardsRequest(), "stream_name"),
    ("ListShards", pb.ListShardsRequest(stream_name="orders", page_size=-1), "page_size"),
    ("ListShards", pb.ListShardsRequest(stream_name="orders", page_size=10_001), "page_size"),
    (
        "ListShards",
        filtered(pb.SHARD_FILTER_TYPE_UNSPECIFIED),
        "shard_filter.type",
    ),
    ("ListShards", filtered(99), "shard_filter.type"),
    ("ListShards", filtered(pb.SHARD_FILTER_TYPE_AFTER_SHARD_ID), "shard_filter.shard_id"),
    ("ListShards", filtered(pb.SHARD_FILTER_TYPE_AFTER_SHARD_ID, shard_id="0"), "shard_filter.shard_id"),
    ("ListShards", filtered(pb.SHARD_FILTER_TYPE_AT_LATEST, shard_id=SHARD), "shard_filter.shard_id"),
    ("ListShards", filtered(pb.SHARD_FILTER_TYPE_AT_TIMESTAMP), "shard_filter.time"),
    ("ListShards", filtered(pb.SHARD_FILTER_TYPE_FROM_TIMESTAMP), "shard_filter.time"),
    ("ListShards", filtered(pb.SHARD_FILTER_TYPE_FROM_TRIM_HORIZON, time={"seconds": 1}), "shard_filter.time"),
    ("ListShards", filtered(pb.SHARD_FILTER_TYPE_AT_TIMESTAMP, time={"nanos": -1}), "shard_filter.time"),
    ("UpdateStream", pb.UpdateStreamRequest(), "stream.stream_name"),
    ("UpdateStream", updating(), "update_mask"),
    ("UpdateStream", updating("stream_name"), "update_mask"),
    ("UpdateStream", updating("nothing"), "update_mask"),
    ("UpdateStream", updating("tags", tags={"a": "\n"}), "stream.tags['a']"),
    ("UpdateStream", updating("retention_period", retention_period=seconds(5)), "stream.retention_period"),
    ("UpdateStream", updating("max_record_size_bytes", max_record_size_bytes=5), "stream.max_record_size_bytes"),
    ("UpdateStream", updating("write_limits", write_limits=writing(5, 0)), "stream.write_limits.bytes_per_second"),
    ("UpdateStream", with_fields(updating("tags"), lambda r: setattr(r, "request_id", "x")), "request_id"),
    ("SplitShard", split(stream_name=""), "stream_name"),
    ("SplitShard", split(shard_id="x"), "shard_id"),
    ("SplitShard", split(new_starting_hash_key=""), "new_starting_hash_key"),
    ("SplitShard", split(new_starting_hash_key="-1"), "new_starting_hash_key"),
    ("SplitShard", split(new_starting_hash_key="0"), "new_starting_hash_key"),
    ("SplitShard", split(new_starting_hash_key="1"), "new_starting_hash_key"),
    ("SplitShard", split(new_starting_hash_key=str(2**127 - 1)), "new_starting_hash_key"),
    ("SplitShard", split(new_starting_hash_key=str(2**128)), "new_starting_hash_key"),
    ("MergeShards", merge(stream_name=""), "stream_name"),
    ("MergeShards", merge(shard_id=""), "shard_id"),
    ("MergeShards", merge(adjacent_shard_id=""), "adjacent_shard_id"),
    ("MergeShards", merge(adjacent_shard_id=SHARD), "adjacent_shard_id"),
    ("MergeShards", merge(shard_id=SHARD_1, adjacent_shard_id=SHARD), "adjacent_shard_id"),
    ("UpdateShardCount", pb.UpdateShardCountRequest(target_shard_count=1), "stream_name"),
    ("UpdateShardCount", pb.UpdateShardCountRequest(stream_name="orders"), "target_shard_count"),
    ("UpdateShardCount", scale(-1), "target_shard_count"),
    ("UpdateShardCount", scale(5), "target_shard_count"),
    ("PeekRecords", pb.PeekRecordsRequest(), "stream_name"),
    ("PeekRecords", pb.PeekRecordsRequest(stream_name="orders", limit=-1), "limit"),
    ("PeekRecords", pb.PeekRecordsRequest(stream_name="orders", limit=1_001), "limit"),
    ("PeekRecords", pb.PeekRecordsRequest(stream_name="orders", shard_id="x"), "shard_id"),
    ("PeekRecords", pb.PeekRecordsRequest(stream_name="orders", from_sequence_number="x"), "from_sequence_number"),
    (
        "PeekRecords",
        pb.PeekRecordsRequest(stream_name="orders", shard_id=SHARD, from_sequence_number=OTHER_SHARD_NUMBER),
        "from_sequence_number",
    ),
    (
        "PeekRecords",
        pb.PeekRecordsRequest(stream_name="orders", from_sequence_number=OTHER_SHARD_NUMBER, from_time={}),
        "from_time",
    ),
    ("PeekRecords", pb.PeekRecordsRequest(stream_name="orders", from_time={"nanos": -1}), "from_time"),
    ("RegisterStreamConsumer", pb.RegisterStreamConsumerRequest(consumer_name="a"), "stream_name"),
    ("RegisterStreamConsumer", pb.RegisterStreamConsumerRequest(stream_name="orders"), "consumer_name"),
    (
        "RegisterStreamConsumer",
        pb.RegisterStreamConsumerRequest(stream_name="orders", consumer_name="a", request_id="x"),
        "request_id",
    ),
    ("DescribeStreamConsumer", pb.DescribeStreamConsumerRequest(stream_name="orders"), "consumer_name"),
    ("DeregisterStreamConsumer", pb.DeregisterStreamConsumerRequest(stream_name="orders"), "consumer_name"),
    ("ListStreamConsumers", pb.ListStreamConsumersRequest(), "stream_name"),
    ("ListStreamConsumers", pb.ListStreamConsumersRequest(stream_name="orders", page_size=-1), "page_size"),
    ("PutRecord", pb.PutRecordRequest(partition_key="a"), "stream_name"),
    ("PutRecord", pb.PutRecordRequest(stream_name="orders"), "partition_key"),
    ("PutRecord", pb.PutRecordRequest(stream_name="orders", partition_key="a" * 257), "partition_key"),
    (
        "PutRecord",
        pb.PutRecordRequest(stream_name="orders", partition_key="a", explicit_hash_key="x"),
        "explicit_hash_key",
    ),
    (
        "PutRecord",
        pb.PutRecordRequest(stream_name="orders", partition_key="a", sequence_number_for_ordering="x"),
        "sequence_number_for_ordering",
    ),
    (
        "PutRecord",
        pb.PutRecordRequest(stream_name="orders", partition_key="a", sequence_number_for_ordering="9" * 30),
        "sequence_number_for_ordering",
    ),
    ("PutRecord", pb.PutRecordRequest(stream_name="orders", partition_key="a", attributes=MANY), "attributes"),
    ("PutRecord", pb.PutRecordRequest(stream_name="orders", partition_key="a", producer_id=b"1"), "producer_id"),
    (
        "PutRecord",
        pb.PutRecordRequest(stream_name="orders", partition_key="a", producer_id=b"1" * 16, producer_sequence=-1),
        "producer_sequence",
    ),
    (
        "PutRecord",
        pb.PutRecordRequest(stream_name="orders", partition_key="a", producer_sequence=1),
        "producer_sequence",
    ),
    ("PutRecords", pb.PutRecordsRequest(records=[entry()]), "stream_name"),
    ("PutRecords", pb.PutRecordsRequest(stream_name="orders"), "records"),
    ("PutRecords", put_records(*[entry()] * 501), "records"),
    ("PutRecords", put_records(entry(), entry(partition_key="")), "records[1].partition_key"),
    ("PutRecords", put_records(entry(), entry(partition_key="é" * 257)), "records[1].partition_key"),
    ("PutRecords", put_records(entry(explicit_hash_key="01")), "records[0].explicit_hash_key"),
    ("PutRecords", put_records(entry(explicit_hash_key="-1")), "records[0].explicit_hash_key"),
    ("PutRecords", put_records(entry(explicit_hash_key=str(2**128))), "records[0].explicit_hash_key"),
    ("PutRecords", put_records(entry(explicit_hash_key="٣")), "records[0].explicit_hash_key"),
    ("PutRecords", put_records(entry(attributes=MANY)), "records[0].attributes"),
    ("PutRecords", put_records(entry(attributes={"": "b"})), "records[0].attributes['']"),
    ("PutRecords", put_records(entry(attributes={"a": "b" * 4_097})), "records[0].attributes['a']"),
    ("PutRecords", put_records(entry(producer_id=b"1" * 17, producer_sequence=1)), "records[0].producer_id"),
    ("PutRecords", put_records(entry(producer_id=b"1" * 16)), "records[0].producer_sequence"),
    ("PutRecords", put_records(entry(), entry(producer_sequence=1)), "records[1].producer_sequence"),
    ("PutRecords", put_records(*[entry(data=bytes(MIB - 3))] * 11), "records"),
    ("GetShardIterator", iterator_request(stream_name=""), "stream_name"),
    ("GetShardIterator", iterator_request(shard_id=""), "shard_id"),
    ("GetShardIterator", iterator_request(shard_id="shard-0"), "shard_id"),
    ("GetShardIterator", iterator_request(type=0), "type"),
    ("GetShardIterator", iterator_request(type=77), "type"),
    ("GetShardIterator", iterator_request(starting_sequence_number="0" * 30), "starting_sequence_number"),
    (
        "GetShardIterator",
        iterator_request(type=pb.SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER),
        "starting_sequence_number",
    ),
    (
        "GetShardIterator",
        iterator_request(type=pb.SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER, starting_sequence_number="12"),
        "starting_sequence_number",
    ),
    (
        "GetShardIterator",
        iterator_request(
            type=pb.SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER, starting_sequence_number=OTHER_SHARD_NUMBER
        ),
        "starting_sequence_number",
    ),
    ("GetShardIterator", iterator_request(time=timestamp_pb2.Timestamp(seconds=1)), "time"),
    ("GetShardIterator", iterator_request(type=pb.SHARD_ITERATOR_TYPE_AT_TIMESTAMP), "time"),
    (
        "GetShardIterator",
        iterator_request(
            type=pb.SHARD_ITERATOR_TYPE_AT_TIMESTAMP, time=timestamp_pb2.Timestamp(seconds=32_503_680_000)
        ),
        "time",
    ),
    (
        "GetShardIterator",
        iterator_request(type=pb.SHARD_ITERATOR_TYPE_AT_TIMESTAMP, time=timestamp_pb2.Timestamp(nanos=-1)),
        "time",
    ),
    ("GetRecords", pb.GetRecordsRequest(), "shard_iterator"),
    ("GetRecords", with_fields(at_position(), lambda r: setattr(r, "shard_iterator", "x")), "shard_iterator"),
    ("GetRecords", with_fields(at_position(), lambda r: setattr(r, "limit", -1)), "limit"),
    ("GetRecords", with_fields(at_position(), lambda r: setattr(r, "limit", 10_001)), "limit"),
    ("GetRecords", with_fields(at_position(), lambda r: setattr(r, "max_bytes", -1)), "max_bytes"),
    ("GetRecords", with_fields(at_position(), lambda r: setattr(r, "max_bytes", 10 * MIB + 1)), "max_bytes"),
    ("GetRecords", with_fields(at_position(), lambda r: r.max_wait.CopyFrom(seconds(-1))), "max_wait"),
    ("GetRecords", with_fields(at_position(), lambda r: r.max_wait.CopyFrom(seconds(21))), "max_wait"),
    (
        "GetRecords",
        with_fields(at_position(), lambda r: setattr(r, "until_sequence_number", "x")),
        "until_sequence_number",
    ),
    ("GetRecords", at_position(stream_name=""), "position.stream_name"),
    ("GetRecords", at_position(shard_id="x"), "position.shard_id"),
    ("GetRecords", at_position(stream_id="x"), "position.stream_id"),
    ("GetRecords", at_position(after_sequence_number="x"), "position.after_sequence_number"),
    ("GetRecords", at_position(after_sequence_number=OTHER_SHARD_NUMBER), "position.after_sequence_number"),
]


def _name(case: Any) -> str:
    return case if isinstance(case, str) else ""


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("rpc", "request_", "field"), REFUSED, ids=_name)
async def test_a_wrong_field_is_refused_and_named(stub: Any, rpc: str, request_: Any, field: str) -> None:
    refused = await refusal(getattr(stub, rpc), request_)

    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert field in refused.fields
    assert field in refused.message


@pytest.mark.asyncio(loop_scope="module")
async def test_a_refused_request_stores_nothing(stub: Any) -> None:
    await refusal(stub.PutRecords, put_records(entry(), entry(partition_key="")))
    await refusal(stub.CreateStream, CREATE(stream_name="new", shard_count=-1))

    listed = await stub.ListStreams(pb.ListStreamsRequest())
    read = [await stub.GetRecords(at_position(shard_id=f"shardId-{index:012d}")) for index in range(2)]

    assert [stream.stream_name for stream in listed.streams] == ["bills", "orders"]
    assert [len(answer.records) for answer in read] == [0, 0]


NO_STREAM = "STREAM_NOT_FOUND"
NOT_FOUND = [
    ("DescribeStream", pb.DescribeStreamRequest(stream_name="none"), "STREAM_NOT_FOUND"),
    ("DeleteStream", pb.DeleteStreamRequest(stream_name="none"), "STREAM_NOT_FOUND"),
    ("ListShards", pb.ListShardsRequest(stream_name="none"), "STREAM_NOT_FOUND"),
    ("PutRecord", pb.PutRecordRequest(stream_name="none", partition_key="a"), "STREAM_NOT_FOUND"),
    ("PutRecords", put_records(stream_name="none"), "STREAM_NOT_FOUND"),
    ("UpdateStream", with_fields(updating("tags"), lambda r: setattr(r.stream, "stream_name", "none")), NO_STREAM),
    ("SplitShard", split(stream_name="none"), "STREAM_NOT_FOUND"),
    ("SplitShard", split(shard_id="shardId-000000000009"), "SHARD_NOT_FOUND"),
    ("MergeShards", merge(adjacent_shard_id="shardId-000000000009"), "SHARD_NOT_FOUND"),
    ("UpdateShardCount", pb.UpdateShardCountRequest(stream_name="none", target_shard_count=1), "STREAM_NOT_FOUND"),
    ("PeekRecords", pb.PeekRecordsRequest(stream_name="none"), "STREAM_NOT_FOUND"),
    ("PeekRecords", pb.PeekRecordsRequest(stream_name="orders", shard_id="shardId-000000000009"), "SHARD_NOT_FOUND"),
    (
        "RegisterStreamConsumer",
        pb.RegisterStreamConsumerRequest(stream_name="none", consumer_name="a"),
        "STREAM_NOT_FOUND",
    ),
    (
        "DescribeStreamConsumer",
        pb.DescribeStreamConsumerRequest(stream_name="orders", consumer_name="a"),
        "CONSUMER_NOT_FOUND",
    ),
    (
        "DeregisterStreamConsumer",
        pb.DeregisterStreamConsumerRequest(stream_name="orders", consumer_name="a"),
        "CONSUMER_NOT_FOUND",
    ),
    ("GetShardIterator", iterator_request(stream_name="none"), "STREAM_NOT_FOUND"),
    ("GetShardIterator", iterator_request(shard_id="shardId-000000000009"), "SHARD_NOT_FOUND"),
    ("GetRecords", at_position(stream_name="none"), "STREAM_NOT_FOUND"),
    ("GetRecords", at_position(stream_id="8f14e45f-ceea-467f-a1d2-000000000000"), "STREAM_NOT_FOUND"),
    ("GetRecords", at_position(shard_id="shardId-000000000009"), "SHARD_NOT_FOUND"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("rpc", "request_", "reason"), NOT_FOUND, ids=_name)
async def test_what_is_not_there_is_not_found(stub: Any, rpc: str, request_: Any, reason: str) -> None:
    refused = await refusal(getattr(stub, rpc), request_)

    assert (refused.code, refused.reason) == ("NOT_FOUND", reason)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("token", ["x", "é", "A" * 2000], ids=["short", "not base64", "long"])
async def test_a_forged_page_token_is_refused(stub: Any, token: str) -> None:
    for call, request in (
        (stub.ListStreams, pb.ListStreamsRequest(page_token=token)),
        (stub.ListShards, pb.ListShardsRequest(stream_name="orders", page_token=token)),
    ):
        refused = await refusal(call, request)
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_token_of_another_list_is_refused(stub: Any) -> None:
    token = (await stub.ListShards(pb.ListShardsRequest(stream_name="orders", page_size=1))).next_page_token
    assert token

    for call, request in (
        (stub.ListStreams, pb.ListStreamsRequest(page_token=token)),
        (stub.ListShards, pb.ListShardsRequest(stream_name="bills", page_token=token)),
        (stub.ListShards, pb.ListShardsRequest(stream_name="orders", page_token=token[:-2] + "xx")),
    ):
        refused = await refusal(call, request)
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("forged", ["x", "A" * 512, "A" * 2000, "é"])
async def test_a_forged_shard_iterator_is_refused(stub: Any, forged: str) -> None:
    refused = await refusal(stub.GetRecords, pb.GetRecordsRequest(shard_iterator=forged))

    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_SHARD_ITERATOR")


@pytest.mark.asyncio(loop_scope="module")
async def test_an_edited_shard_iterator_is_refused_at_every_place(stub: Any) -> None:
    good = (await stub.GetShardIterator(iterator_request())).shard_iterator

    for place in range(0, len(good), 7):
        edited = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        refused = await refusal(stub.GetRecords, pb.GetRecordsRequest(shard_iterator=edited))
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_SHARD_ITERATOR")


@pytest.mark.asyncio(loop_scope="module")
async def test_an_oversize_record_is_refused_alone_in_put_records_and_whole_in_put_record(stub: Any) -> None:
    large = bytes(MIB)  # with its key it is three bytes over the limit

    refused = await refusal(stub.PutRecord, pb.PutRecordRequest(stream_name="bills", partition_key="key", data=large))
    answer = await stub.PutRecords(put_records(entry(), entry(data=large), entry(), stream_name="bills"))

    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "RECORD_TOO_LARGE")
    assert str(MIB + 3) in refused.message
    assert str(MIB) in refused.message
    assert [result.reason for result in answer.results] == ["", "RECORD_TOO_LARGE", ""]
    assert answer.failed_record_count == 1
    assert answer.results[1].sequence_number == ""
    assert answer.results[0].sequence_number < answer.results[2].sequence_number


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stream_that_exists_is_not_created_again(stub: Any) -> None:
    refused = await refusal(stub.CreateStream, CREATE(stream_name="orders"))

    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "STREAM_ALREADY_EXISTS")


@pytest.mark.asyncio(loop_scope="module")
async def test_watch_appends_refuses_a_wrong_entry_and_names_it(stub: Any) -> None:
    request = pb.WatchAppendsRequest(
        entries=[pb.WatchEntry(id=0, position=pb.ShardPosition(stream_name="orders"), inline_bytes_max=65_537)]
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.WatchAppends(iter([request])):
            pass

    refused = refusals.of(caught.value)
    assert refused.reason == "INVALID_ARGUMENT"
    assert {"entries[0].id", "entries[0].inline_bytes_max"} <= set(refused.fields)
