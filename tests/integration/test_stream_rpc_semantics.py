"""What readers and writers see over real gRPC: routing, numbers, iterators, reads, waits, watches."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import struct
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import duration_pb2, timestamp_pb2
from millrace.stream.v1 import stream_pb2, stream_service_pb2, stream_service_pb2_grpc

from tests.support import stream_process
from tests.support.refusals import refusal

pb = stream_service_pb2
MIB = 1024 * 1024
SHARD = "shardId-000000000000"
HASH_KEYS = 2**128
names = (f"stream-{index}" for index in itertools.count())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a real stream service without streams."""
    with stream_process.running(tmp_path_factory.mktemp("stream")) as address:
        options = [("grpc.max_receive_message_length", 16 * MIB), ("grpc.max_send_message_length", 16 * MIB)]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.aio.Channel) -> Any:
    """A stub of a real stream service without streams."""
    return stream_service_pb2_grpc.StreamServiceStub(channel)


@pytest.fixture(scope="module")
def raw_get_records(channel: grpc.aio.Channel) -> Any:
    """GetRecords that answers its bytes undecoded."""
    return channel.unary_unary(
        "/millrace.stream.v1.StreamService/GetRecords", request_serializer=pb.GetRecordsRequest.SerializeToString
    )


async def new_stream(stub: Any, **settings: Any) -> str:
    """The name of a stream just made."""
    name = next(names)
    await stub.CreateStream(pb.CreateStreamRequest(stream_name=name, **settings))
    return name


async def put(stub: Any, name: str, *data: bytes, key: str = "key") -> list[str]:
    """Put records with one key; their sequence numbers."""
    request = pb.PutRecordsRequest(stream_name=name)
    for each in data:
        request.records.add(partition_key=key, data=each)
    answer = await stub.PutRecords(request, timeout=10)
    assert answer.failed_record_count == 0
    return [result.sequence_number for result in answer.results]


async def iterator(stub: Any, name: str, kind: str, **more: Any) -> str:
    """A shard iterator on the first shard."""
    kind_number = pb.ShardIteratorType.Value(f"SHARD_ITERATOR_TYPE_{kind}")
    request = pb.GetShardIteratorRequest(stream_name=name, shard_id=SHARD, type=kind_number, **more)
    answer = await stub.GetShardIterator(request, timeout=10)
    assert 0 < len(answer.shard_iterator) <= 512
    return str(answer.shard_iterator)


async def read(stub: Any, shard_iterator: str, **more: Any) -> Any:
    """One GetRecords."""
    return await stub.GetRecords(pb.GetRecordsRequest(shard_iterator=shard_iterator, **more), timeout=30)


def data_of(answer: Any) -> list[bytes]:
    """The data of the answer's records."""
    return [record.data for record in answer.records]


def column(packed: bytes) -> list[int]:
    """The integers of an index's column."""
    return list(struct.unpack(f"<{len(packed) // 8}q", packed))


def position(name: str, **more: Any) -> Any:
    """A position on the first shard."""
    return pb.ShardPosition(stream_name=name, shard_id=SHARD, **more)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_new_stream_has_the_defaults_and_can_be_described_and_listed(stub: Any) -> None:
    name = await new_stream(stub)

    described = (await stub.DescribeStream(pb.DescribeStreamRequest(stream_name=name))).stream
    listed = [stream async for stream in _all_streams(stub)]

    assert described.status == stream_pb2.STREAM_STATUS_ACTIVE
    assert described.retention_period.seconds == 24 * 3600
    assert described.max_record_size_bytes == MIB
    assert described.open_shard_count == 1
    assert uuid.UUID(described.stream_id)
    assert described.etag
    assert abs(described.create_time.seconds - time.time()) < 60
    assert described in listed
    assert [each.stream_name for each in listed] == sorted(each.stream_name for each in listed)


async def _all_streams(stub: Any) -> AsyncIterator[Any]:
    token = ""
    while True:
        page = await stub.ListStreams(pb.ListStreamsRequest(page_size=2, page_token=token))
        assert len(page.streams) <= 2
        for stream in page.streams:
            yield stream
        token = page.next_page_token
        if not token:
            return


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("count", [1, 2, 3, 7])
async def test_shards_cover_the_hash_keys_each_once_in_equal_parts(stub: Any, count: int) -> None:
    name = await new_stream(stub, shard_count=count)

    shards = []
    token = ""
    while True:
        page = await stub.ListShards(pb.ListShardsRequest(stream_name=name, page_size=2, page_token=token))
        shards += page.shards
        token = page.next_page_token
        if not token:
            break

    ranges = [(int(s.hash_key_range.starting_hash_key), int(s.hash_key_range.ending_hash_key)) for s in shards]
    step = HASH_KEYS // count
    expected = [(index * step, (index + 1) * step - 1) for index in range(count - 1)]
    assert ranges == [*expected, ((count - 1) * step, HASH_KEYS - 1)]
    assert [shard.shard_id for shard in shards] == [f"shardId-{index:012d}" for index in range(count)]
    assert all(not shard.sequence_number_range.ending_sequence_number for shard in shards)
    assert all(len(shard.sequence_number_range.starting_sequence_number) == 30 for shard in shards)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_md5_of_the_key_or_the_explicit_hash_key_finds_the_shard(stub: Any) -> None:
    name = await new_stream(stub, shard_count=3)
    request = pb.PutRecordsRequest(stream_name=name)
    for key in ("a", "b", "c", "d", "e", "f"):
        request.records.add(partition_key=key, data=b"x")
    for hash_key in (0, HASH_KEYS // 3, HASH_KEYS - 1):
        request.records.add(partition_key="a", data=b"x", explicit_hash_key=str(hash_key))

    answer = await stub.PutRecords(request)

    found = [int(result.shard_id.removeprefix("shardId-")) for result in answer.results]
    by_key = [int(hashlib.md5(key.encode()).hexdigest(), 16) * 3 // HASH_KEYS for key in "abcdef"]
    assert found == [*by_key, 0, 1, 2]
    assert found[:6] == [0, 1, 0, 1, 2, 1]


@pytest.mark.asyncio(loop_scope="module")
async def test_sequence_numbers_have_30_digits_and_rise_in_a_shard(stub: Any) -> None:
    name = await new_stream(stub)

    numbers = [*await put(stub, name, b"1", b"2"), *await put(stub, name, b"3")]
    single = await stub.PutRecord(pb.PutRecordRequest(stream_name=name, partition_key="k"))

    numbers.append(single.sequence_number)
    assert all(len(number) == 30 and number.isascii() and number.isdigit() for number in numbers)
    assert numbers == sorted(set(numbers))
    assert abs((int(numbers[0][:20]) >> 20) - time.time() * 1000) < 60_000


@pytest.mark.asyncio(loop_scope="module")
async def test_records_come_back_as_they_were_put(stub: Any) -> None:
    name = await new_stream(stub)
    values = [b"", bytes(range(256)), "ü".encode(), b"x" * (MIB - 1000)]
    numbers = [(await put(stub, name, value, key=f"k{index}é"))[0] for index, value in enumerate(values)]

    answer = await read(stub, await iterator(stub, name, "TRIM_HORIZON"))

    assert data_of(answer) == values
    assert [record.sequence_number for record in answer.records] == numbers
    assert [record.partition_key for record in answer.records] == [f"k{index}é" for index in range(4)]
    arrivals = [record.approximate_arrival_unix_millis for record in answer.records]
    assert arrivals == [int(number[:20]) >> 20 for number in numbers]
    assert answer.millis_behind_latest == 0
    assert answer.next_shard_iterator
    assert answer.next_position == numbers[-1]
    assert not answer.end_of_shard


@pytest.mark.asyncio(loop_scope="module")
async def test_the_five_iterator_types_start_where_they_say(stub: Any) -> None:
    name = await new_stream(stub)
    first, second, third = await put(stub, name, b"1", b"2", b"3")
    start = (await stub.ListShards(pb.ListShardsRequest(stream_name=name))).shards[0].sequence_number_range
    latest = await iterator(stub, name, "LATEST")
    await put(stub, name, b"4")

    async def from_(kind: str, **more: Any) -> list[bytes]:
        return data_of(await read(stub, await iterator(stub, name, kind, **more)))

    assert await from_("TRIM_HORIZON") == [b"1", b"2", b"3", b"4"]
    assert await from_("AT_SEQUENCE_NUMBER", starting_sequence_number=second) == [b"2", b"3", b"4"]
    assert await from_("AFTER_SEQUENCE_NUMBER", starting_sequence_number=second) == [b"3", b"4"]
    assert await from_("AT_SEQUENCE_NUMBER", starting_sequence_number=start.starting_sequence_number) == [
        b"1",
        b"2",
        b"3",
        b"4",
    ]
    assert data_of(await read(stub, latest)) == [b"4"]
    arrival = int(first[:20]) >> 20
    at_first = timestamp_pb2.Timestamp(seconds=arrival // 1000, nanos=arrival % 1000 * 1_000_000)
    assert (await from_("AT_TIMESTAMP", time=at_first))[0] == b"1"
    assert (await from_("AT_TIMESTAMP", time=timestamp_pb2.Timestamp()))[0] == b"1"
    assert int(third[:20]) > int(second[:20]) > int(first[:20])


@pytest.mark.asyncio(loop_scope="module")
async def test_an_iterator_is_not_used_up_and_the_next_one_goes_on(stub: Any) -> None:
    name = await new_stream(stub)
    await put(stub, name, *(f"{index}".encode() for index in range(25)))
    start = await iterator(stub, name, "TRIM_HORIZON")

    pages, token = [], start
    for _ in range(4):
        page = await read(stub, token, limit=7)
        pages.append(data_of(page))
        assert page.next_shard_iterator != token
        token = page.next_shard_iterator

    assert [len(page) for page in pages] == [7, 7, 7, 4]
    assert list(itertools.chain(*pages)) == [f"{index}".encode() for index in range(25)]
    assert data_of(await read(stub, start, limit=7)) == pages[0]
    assert data_of(await read(stub, token)) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_millis_behind_latest_is_zero_at_the_tip_only(stub: Any) -> None:
    name = await new_stream(stub)
    await put(stub, name, b"1", b"2")
    start = await iterator(stub, name, "TRIM_HORIZON")
    await asyncio.to_thread(_let_pass, 0.05)

    behind = await read(stub, start, limit=1)
    tip = await read(stub, behind.next_shard_iterator)

    assert behind.millis_behind_latest >= 50
    assert tip.millis_behind_latest == 0


def _let_pass(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@pytest.mark.asyncio(loop_scope="module")
async def test_reads_keep_their_limits_but_give_one_record_at_least(stub: Any) -> None:
    name = await new_stream(stub)
    for _ in range(3):
        await put(stub, name, bytes(900_000))
    start = await iterator(stub, name, "TRIM_HORIZON")

    assert len((await read(stub, start, max_bytes=1)).records) == 1
    assert len((await read(stub, start, max_bytes=2_000_000)).records) == 2
    assert len((await read(stub, start, limit=1)).records) == 1
    assert len((await read(stub, start)).records) == 3


@pytest.mark.asyncio(loop_scope="module")
async def test_a_position_reads_like_an_iterator_and_the_index_slices_the_answer(
    stub: Any, raw_get_records: Any
) -> None:
    name = await new_stream(stub)
    numbers = await put(stub, name, *(bytes(size) for size in (0, 1, 127, 128, 300, 20_000)))
    request = pb.GetRecordsRequest(
        position=position(name, after_sequence_number=numbers[0]), include_index=True, until_sequence_number=numbers[4]
    )

    payload = await raw_get_records(request)

    answer = pb.GetRecordsResponse.FromString(payload)
    assert [record.sequence_number for record in answer.records] == numbers[1:5]
    assert (
        int.from_bytes(payload[-4:], "little")
        == answer.tail_bytes
        == len(payload) - column(answer.index.end_offsets)[-1]
    )
    assert column(answer.index.numbers) == [int(number[:20]) for number in numbers[1:5]]
    assert column(answer.index.sizes) == [3 + len(record.data) for record in answer.records]
    begin = 0
    for end, record in zip(column(answer.index.end_offsets), answer.records, strict=True):
        assert list(pb.GetRecordsResponse.FromString(payload[begin:end]).records) == [record]
        begin = end
    assert answer.next_position == numbers[4]
    assert answer.next_shard_iterator == ""


@pytest.mark.asyncio(loop_scope="module")
async def test_a_read_waits_for_a_record_and_no_longer_than_it_was_told(stub: Any) -> None:
    name = await new_stream(stub)
    request = pb.GetRecordsRequest(position=position(name), max_wait=duration_pb2.Duration(seconds=10))
    waiting = asyncio.ensure_future(stub.GetRecords(request, timeout=20))
    begin = time.monotonic()
    await put(stub, name, b"now")

    answer = await waiting
    waited = time.monotonic() - begin
    request.position.after_sequence_number = answer.next_position
    request.max_wait.CopyFrom(duration_pb2.Duration(nanos=200_000_000))
    begin = time.monotonic()
    empty = await stub.GetRecords(request, timeout=20)

    assert data_of(answer) == [b"now"]
    assert waited < 5
    assert data_of(empty) == []
    assert 0.15 < time.monotonic() - begin < 5


@pytest.mark.asyncio(loop_scope="module")
async def test_a_deleted_stream_is_gone_and_its_name_is_free_at_once(stub: Any) -> None:
    name = await new_stream(stub)
    old = (await stub.DescribeStream(pb.DescribeStreamRequest(stream_name=name))).stream
    last = (await put(stub, name, b"old"))[0]
    token = await iterator(stub, name, "TRIM_HORIZON")

    await stub.DeleteStream(pb.DeleteStreamRequest(stream_name=name))
    gone = await refusal(stub.DescribeStream, pb.DescribeStreamRequest(stream_name=name))
    stale = await refusal(stub.GetRecords, pb.GetRecordsRequest(shard_iterator=token))
    await stub.CreateStream(pb.CreateStreamRequest(stream_name=name))
    new = (await stub.DescribeStream(pb.DescribeStreamRequest(stream_name=name))).stream
    numbers = await put(stub, name, b"new")
    still_stale = await refusal(stub.GetRecords, pb.GetRecordsRequest(shard_iterator=token))

    assert (gone.code, gone.reason) == ("NOT_FOUND", "STREAM_NOT_FOUND")
    assert stale.code == still_stale.code == "NOT_FOUND"
    assert new.stream_id != old.stream_id
    assert numbers[0] > last
    assert data_of(await read(stub, await iterator(stub, name, "TRIM_HORIZON"))) == [b"new"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_waiting_read_hears_that_its_stream_was_deleted(stub: Any) -> None:
    name = await new_stream(stub)
    request = pb.GetRecordsRequest(position=position(name), max_wait=duration_pb2.Duration(seconds=20))
    waiting = asyncio.ensure_future(refusal(stub.GetRecords, request))
    await put(stub, await new_stream(stub), b"x")

    begin = time.monotonic()
    await stub.DeleteStream(pb.DeleteStreamRequest(stream_name=name))
    refused = await waiting

    assert refused.reason == "STREAM_NOT_FOUND"
    assert time.monotonic() - begin < 5


@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_create_request_gives_the_same_stream(stub: Any) -> None:
    request = pb.CreateStreamRequest(stream_name=next(names), request_id=str(uuid.uuid4()))

    first = await stub.CreateStream(request)
    again = await stub.CreateStream(request)
    other = pb.CreateStreamRequest(stream_name=next(names), request_id=request.request_id)
    refused = await refusal(stub.CreateStream, other)

    assert first.stream.stream_id == again.stream.stream_id
    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_watch_answers_each_entry_once_with_the_reason(stub: Any) -> None:
    name, doomed, later = await new_stream(stub), await new_stream(stub), next(names)
    requests: asyncio.Queue[Any] = asyncio.Queue()
    await requests.put(
        pb.WatchAppendsRequest(
            entries=[
                pb.WatchEntry(id=1, position=position(name)),
                pb.WatchEntry(id=2, position=position(doomed)),
                pb.WatchEntry(id=3, position=pb.ShardPosition(stream_name=later)),
                pb.WatchEntry(id=4, position=position("never-there")),
                pb.WatchEntry(id=5, position=position(name)),
            ],
            disarm_ids=[99],
        )
    )
    call = stub.WatchAppends(timeout=60)
    reader, writer = _events(call), asyncio.ensure_future(_write(call, requests))

    assert await _next(reader) == (4, pb.WATCH_REASON_DELETED)
    await requests.put(pb.WatchAppendsRequest(disarm_ids=[5]))
    await asyncio.wait_for(requests.join(), 10)
    await stub.DeleteStream(pb.DeleteStreamRequest(stream_name=doomed))
    assert await _next(reader) == (2, pb.WATCH_REASON_DELETED)
    await stub.CreateStream(pb.CreateStreamRequest(stream_name=later))
    assert await _next(reader) == (3, pb.WATCH_REASON_APPEARED)
    number = (await put(stub, name, b"x"))[-1]
    assert await _next(reader) == (1, pb.WATCH_REASON_GROWN)
    await put(stub, name, b"y")
    await requests.put(
        pb.WatchAppendsRequest(entries=[pb.WatchEntry(id=6, position=position(name, after_sequence_number=number))])
    )
    assert await _next(reader) == (6, pb.WATCH_REASON_GROWN)
    writer.cancel()
    call.cancel()


@pytest.mark.asyncio(loop_scope="module")
async def test_an_event_brings_few_new_records_along_and_many_not(stub: Any) -> None:
    name = await new_stream(stub)
    first = (await put(stub, name, b"1"))[0]
    place = position(name, after_sequence_number=first)
    small = pb.WatchEntry(id=1, position=place, inline_bytes_max=100)
    none = pb.WatchEntry(id=2, position=place)
    tight = pb.WatchEntry(id=3, position=place, inline_bytes_max=5)
    call = stub.WatchAppends(timeout=60)
    await call.write(pb.WatchAppendsRequest(entries=[small, none, tight]))
    numbers = await put(stub, name, b"2", b"3")

    events = {}
    while len(events) < 3:
        events |= {event.id: event for event in (await asyncio.wait_for(call.read(), 10)).events}
    call.cancel()
    read_again = await stub.GetRecords(pb.GetRecordsRequest(position=place, include_index=True))

    brought = pb.GetRecordsResponse.FromString(events[1].records_response)
    assert [record.sequence_number for record in brought.records] == numbers
    assert (brought.records, brought.index, brought.next_position) == (
        read_again.records,
        read_again.index,
        read_again.next_position,
    )
    assert events[2].records_response == events[3].records_response == b""
    assert {event.reason for event in events.values()} == {pb.WATCH_REASON_GROWN}


async def _write(call: Any, requests: asyncio.Queue[Any]) -> None:
    while True:
        await call.write(await requests.get())
        requests.task_done()


async def _events(call: Any) -> AsyncIterator[tuple[int, int]]:
    async for answer in call:
        assert answer.service_time.seconds > 1_700_000_000
        for event in answer.events:
            yield event.id, event.reason


async def _next(events: AsyncIterator[tuple[int, int]]) -> tuple[int, int]:
    return await asyncio.wait_for(anext(events), 10)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_quiet_watch_sends_heartbeats(stub: Any) -> None:
    call = stub.WatchAppends(timeout=60)
    await call.write(pb.WatchAppendsRequest())

    heartbeat = await asyncio.wait_for(call.read(), 7)
    call.cancel()

    assert not heartbeat.events
    assert heartbeat.service_time.seconds > 1_700_000_000


@pytest.mark.asyncio(loop_scope="module")
async def test_concurrent_puts_of_one_key_are_all_stored_once_in_the_order_of_their_numbers(stub: Any) -> None:
    name = await new_stream(stub, shard_count=2)

    results = await asyncio.gather(*(put(stub, name, *(f"{i}-{j}".encode() for j in range(5))) for i in range(40)))

    stored = []
    for index in range(2):
        request = pb.GetRecordsRequest(
            position=pb.ShardPosition(stream_name=name, shard_id=f"shardId-{index:012d}"), limit=10_000
        )
        stored += (await stub.GetRecords(request)).records
    assert [record.sequence_number for record in stored] == sorted(number for numbers in results for number in numbers)
    by_number = {record.sequence_number: record.data for record in stored}
    for i, numbers in enumerate(results):
        assert [by_number[number] for number in numbers] == [f"{i}-{j}".encode() for j in range(5)]
        assert numbers == sorted(numbers)
