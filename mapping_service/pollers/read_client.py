"""GetRecords on the wire: a request from what a machine wants, and columns and bytes from the answer (rule D6).

The answer's records are its first bytes, and its index says where each ends. So they are kept as they came, and only
what follows them is decoded.
"""

import sys
from array import array

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
    rest = stream_service_pb2.GetRecordsResponse.FromString(_tail(payload))
    page = None
    if rest.index.end_offsets:
        page = Page(
            payload=payload,
            ends=_column(rest.index.end_offsets),
            numbers=_column(rest.index.numbers),
            sizes=_column(rest.index.sizes),
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


def _tail(payload: bytes) -> bytes:
    """What comes after the records. The answer's last four bytes say how much that is."""
    return payload[-int.from_bytes(payload[-4:], "little") :]


def _column(packed: bytes) -> "array[int]":
    column = array("q")
    column.frombytes(packed)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _missed(rest: stream_service_pb2.GetRecordsResponse) -> MissedRange:
    missed = rest.missed_records
    return MissedRange(
        after=number(missed.after_sequence_number),
        until=number(missed.until_sequence_number),
        count=missed.record_count,
    )
