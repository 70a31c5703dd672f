"""From core values to messages."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from datetime import timedelta

from google.protobuf import duration_pb2
from millrace.stream.v1 import stream_pb2
from millrace.stream.v1 import stream_service_pb2 as pb

from stream_service import watching
from stream_service.core import limits as bounds
from stream_service.core import reading, resharding, tags, works
from stream_service.core import shard as shards
from stream_service.core import stream as streams
from stream_service.core.reading import Slice
from stream_service.core.shard import Shard
from stream_service.core.stream import Stream
from stream_service.rpc.times import time_of
from stream_service.shard_service import Resharding, ShardPage, Traffic

_MILLI = timedelta(milliseconds=1)
_TAIL_TAG = bytes([pb.GetRecordsResponse.TAIL_BYTES_FIELD_NUMBER << 3 | 5])
TAIL_FIELD_BYTES = 5
"""Of the encoded field tail_bytes: its tag and its four bytes."""

_REASONS = {
    watching.Reason.GROWN: pb.WATCH_REASON_GROWN,
    watching.Reason.CLOSED: pb.WATCH_REASON_CLOSED,
    watching.Reason.DELETED: pb.WATCH_REASON_DELETED,
    watching.Reason.TRIMMED: pb.WATCH_REASON_TRIMMED,
    watching.Reason.APPEARED: pb.WATCH_REASON_APPEARED,
}


def stream(found: Stream) -> stream_pb2.Stream:
    """A stream."""
    return stream_pb2.Stream(
        stream_name=found.name,
        stream_id=found.stream_id,
        status=stream_pb2.STREAM_STATUS_ACTIVE,
        retention_period=duration_pb2.Duration(seconds=found.retention_seconds),
        max_record_size_bytes=found.record_bytes_max,
        open_shard_count=found.open_shard_count,
        consumer_count=found.consumer_count,
        create_time=time_of(found.created_millis),
        etag=found.etag,
        tags=dict(found.tags),
        write_limits=_write_limits(found),
        read_limits=_read_limits(found),
        retention_bytes_per_shard=found.retention_bytes,
    )


def limits() -> stream_pb2.StreamLimits:
    """What a stream and a request may hold at most."""
    return stream_pb2.StreamLimits(
        open_shard_count_max=resharding.OPEN_SHARD_COUNT_MAX,
        consumer_count_max=streams.CONSUMERS_MAX,
        tag_count_max=tags.TAGS_MAX,
        put_records_max=bounds.RECORDS_MAX,
        put_bytes_max=bounds.REQUEST_BYTES_MAX,
        get_records_max=reading.RECORDS_MAX,
        get_bytes_max=reading.BYTES_MAX,
    )


def consumer(stream_name: str, found: streams.Consumer) -> stream_pb2.StreamConsumer:
    """A consumer."""
    return stream_pb2.StreamConsumer(
        consumer_name=found.name,
        stream_name=stream_name,
        status=stream_pb2.STREAM_CONSUMER_STATUS_ACTIVE,
        create_time=time_of(found.created_millis),
        consumer_id=found.consumer_id,
    )


def list_shards(page: ShardPage) -> pb.ListShardsResponse:
    """A page of shards."""
    return pb.ListShardsResponse(
        shards=[shard(each) for each in page.shards],
        next_page_token=page.next_page_token,
        stream_id=page.stream.stream_id,
        traffic=_traffic(page.shards, page.traffic),
    )


def traffic_of(done: Resharding) -> list[stream_pb2.ShardTraffic]:
    """What the open shards took lately, where the outcome is only shown."""
    return _traffic(done.open_before, done.traffic)


def _traffic(shown: Sequence[Shard], found: Traffic | None) -> list[stream_pb2.ShardTraffic]:
    if found is None:
        return []
    records, size = sum(each[0] for each in found.values()), sum(each[1] for each in found.values())
    made = []
    for each in shown:
        if each.is_open:
            count, byte_count = found.get(each.index, (0, 0))
            made.append(
                stream_pb2.ShardTraffic(
                    shard_id=each.shard_id,
                    record_count=count,
                    byte_count=byte_count,
                    record_share=count / max(1, records),
                    byte_share=byte_count / max(1, size),
                )
            )
    return made


def _write_limits(found: Stream) -> stream_pb2.WriteLimits | None:
    limited = found.write_limits
    if not limited.is_set:
        return None
    return stream_pb2.WriteLimits(
        bytes_per_second=limited.bytes_per_second, records_per_second=limited.records_per_second
    )


def _read_limits(found: Stream) -> stream_pb2.ReadLimits | None:
    limited = found.read_limits
    if not limited.is_set:
        return None
    return stream_pb2.ReadLimits(bytes_per_second=limited.bytes_per_second, calls_per_second=limited.calls_per_second)


def shard(found: Shard) -> stream_pb2.Shard:
    """A shard."""
    parents = [shards.shard_id(index) for index in found.parents]
    return stream_pb2.Shard(
        shard_id=found.shard_id,
        parent_shard_id=parents[0] if parents else "",
        adjacent_parent_shard_id=parents[1] if len(parents) > 1 else "",
        hash_key_range=_range(found),
        sequence_number_range=stream_pb2.SequenceNumberRange(
            starting_sequence_number=found.text(found.floor),
            ending_sequence_number="" if found.is_open else found.text(found.last),
        ),
        create_time=time_of(found.created_millis),
        close_time=None if found.closed_millis is None else time_of(found.closed_millis),
    )


def put_record(done: works.PutDone) -> pb.PutRecordResponse:
    """Where the one record is stored. Raises its refusal."""
    answer = done.answers[0]
    if not isinstance(answer, tuple):
        raise answer
    return pb.PutRecordResponse(shard_id=answer[0], sequence_number=answer[1])


def put_records(done: works.PutDone) -> pb.PutRecordsResponse:
    """A result for each record, in order."""
    response = pb.PutRecordsResponse()
    add, failed = response.results.add, 0
    for answer in done.answers:
        if isinstance(answer, tuple):
            add(shard_id=answer[0], sequence_number=answer[1])
        else:
            failed += 1
            delay = answer.retry_after
            millis = -(-delay // _MILLI) if delay else 0
            add(reason=answer.reason, message=answer.message, retry_delay_millis=millis)
    response.failed_record_count = failed
    return response


def get_records(page: reading.Page, *, include_index: bool) -> bytes:
    """The encoded answer: records as they are stored, then everything else."""
    found = page.found
    rest = pb.GetRecordsResponse(
        next_shard_iterator=page.next_iterator,
        next_position=found.shard.text(found.position),
        millis_behind_latest=page.millis_behind,
        child_shards=[_child(each) for each in found.children],
        service_time=time_of(page.service_millis),
        end_of_shard=found.is_end,
    )
    if page.missed:
        rest.missed_records.CopyFrom(_missed(page))
    if not include_index:
        return b"".join([*(each.payload for each in found.slices), rest.SerializeToString()])
    rest.index.CopyFrom(_index(found.slices))
    tail = rest.SerializeToString()
    tail_bytes = (len(tail) + TAIL_FIELD_BYTES).to_bytes(4, "little")
    return b"".join([*(each.payload for each in found.slices), tail, _TAIL_TAG, tail_bytes])


def subscription_event(page: reading.Page) -> bytes:
    """The encoded event: records as they are stored, then everything else."""
    found = page.found
    rest = pb.SubscribeToShardResponse(
        continuation_sequence_number="" if found.is_end else found.shard.text(found.position),
        millis_behind_latest=page.millis_behind,
        child_shards=[_child(each) for each in found.children],
        service_time=time_of(page.service_millis),
        missed_records=_missed(page) if page.missed else None,
    )
    return b"".join([*(each.payload for each in found.slices), rest.SerializeToString()])


def _missed(page: reading.Page) -> pb.MissedRecords:
    found = page.found
    return pb.MissedRecords(
        after_sequence_number=found.shard.text(page.asked),
        until_sequence_number=found.shard.text(found.start),
        record_count=page.missed,
    )


def _index(slices: Sequence[Slice]) -> pb.RecordIndex:
    """Where the records lie in the answer."""
    ends, numbers, sizes = array("q"), array("q"), array("q")
    offset = 0
    for each in slices:
        ends.extend([end + offset for end in each.ends])
        numbers.extend(each.numbers)
        sizes.extend(each.sizes)
        offset += len(each.payload)
    if sys.byteorder == "big":
        for column in (ends, numbers, sizes):
            column.byteswap()
    return pb.RecordIndex(end_offsets=ends.tobytes(), numbers=numbers.tobytes(), sizes=sizes.tobytes())


def watch(events: Sequence[watching.Event], now_millis: int) -> pb.WatchAppendsResponse:
    """Events of the moment."""
    return pb.WatchAppendsResponse(
        events=[
            pb.WatchEvent(
                id=event.id,
                reason=_REASONS[event.reason],
                head_sequence_number=event.head,
                records_response=get_records(event.page, include_index=True) if event.page else b"",
            )
            for event in events
        ],
        service_time=time_of(now_millis),
    )


def _child(found: Shard) -> stream_pb2.ChildShard:
    return stream_pb2.ChildShard(
        shard_id=found.shard_id,
        parent_shard_ids=[shards.shard_id(index) for index in found.parents],
        hash_key_range=_range(found),
    )


def _range(found: Shard) -> stream_pb2.HashKeyRange:
    return stream_pb2.HashKeyRange(
        starting_hash_key=str(found.starting_hash_key), ending_hash_key=str(found.ending_hash_key)
    )
