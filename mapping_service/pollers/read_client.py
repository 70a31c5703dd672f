"""GetRecords on the wire: a request from what a machine wants, and columns and bytes from the answer (rule D6).

The answer's records are its first bytes, and its index says where each ends. So they are kept as they came, and only
what follows them is decoded.
"""

from array import array
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from millrace.stream.v1 import stream_service_pb2

from mapping_service.core import names
from mapping_service.core.page import Page
from mapping_service.core.ports import ShardAddress
from mapping_service.core.shard_events import MissedRange, Read, RecordsRead

METHOD = "/millrace.stream.v1.StreamService/GetRecords"


def request(shard: ShardAddress, read: Read) -> bytes:
    """The request for a read."""
    index = names.shard_index(shard.shard_id)
    message = stream_service_pb2.GetRecordsRequest(
        position=position(shard, after=read.after),
        limit=read.limit_records,
        max_bytes=read.limit_bytes,
        include_index=True,
    )
    if read.upto is not None:
        message.until_sequence_number = names.sequence_number(read.upto, index)
    return message.SerializeToString()


def position(shard: ShardAddress, *, after: int) -> stream_service_pb2.ShardPosition:
    """A place in a shard; without a shard id, the wish that a stream of the name appears."""
    place = stream_service_pb2.ShardPosition(
        stream_name=shard.stream_name, stream_id=shard.stream_id, shard_id=shard.shard_id
    )
    if shard.shard_id and after > 0:
        place.after_sequence_number = names.sequence_number(after, names.shard_index(shard.shard_id))
    return place


def answer(payload: bytes, read: Read) -> tuple[RecordsRead, int]:
    """What a read brought, and the stream service's clock in unix milliseconds."""
    rest = _REST.FromString(payload)
    ends = array("q", rest.index.end_offsets)
    page = None
    if ends:
        page = Page(
            payload=payload[: ends[-1]],
            ends=ends,
            numbers=array("q", rest.index.numbers),
            sizes=array("q", rest.index.sizes),
        )
    brought = RecordsRead(
        page=page,
        position=number(rest.next_position, default=read.after),
        behind_millis=rest.millis_behind_latest,
        ended=rest.end_of_shard,
        missed=_missed(rest) if rest.HasField("missed_records") else None,
    )
    return brought, rest.service_time.ToMilliseconds()


def number(sequence_number: str, *, default: int = 0) -> int:
    """The number part of a sequence number; the default when it is empty."""
    parsed = names.parse_sequence_number(sequence_number)
    return default if parsed is None else parsed[0]


def _missed(rest: Any) -> MissedRange:
    missed = rest.missed_records
    return MissedRange(
        after=number(missed.after_sequence_number),
        until=number(missed.until_sequence_number),
        count=missed.record_count,
    )


def _without_records() -> Any:
    """GetRecordsResponse but for its records: decoding it steps over them."""
    file = descriptor_pb2.FileDescriptorProto(
        name="mapping_service/get_records_rest.proto",
        package="millrace.mapping.rest",
        syntax="proto3",
        dependency=[stream_service_pb2.DESCRIPTOR.name, "google/protobuf/timestamp.proto"],
    )
    dependency = "millrace/stream/v1/stream.proto"
    file.dependency.append(dependency)
    rest = file.message_type.add()
    stream_service_pb2.GetRecordsResponse.DESCRIPTOR.CopyToProto(rest)
    rest.name = "Rest"
    kept = [field for field in rest.field if field.name != "records"]
    del rest.field[:]
    rest.field.extend(kept)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("millrace.mapping.rest.Rest"))


_REST = _without_records()
