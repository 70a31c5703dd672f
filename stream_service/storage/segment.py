"""Segments: the records that one commit stored in one shard, encoded once (rules L4, L5).

A segment carries what proves that nothing is missing: its first and last number, the last number before it, a dense
count, an index of (number, end offset, size) for each record, and a CRC over all of it. The payload is the encoded
field `repeated Record records = 1`, which GetRecordsResponse and InvokeRequest share, so it is sent as it is stored.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from millrace.stream.v1 import stream_service_pb2

from stream_service.core import sequence
from stream_service.core.reading import Bounds, Slice
from stream_service.core.record import NewRecord, varint_bytes

FORMAT = 1
BYTES_MAX = 1 << 20

_HEAD_BYTES = 2 + sequence.DIGITS + 1
"""Of an encoded record: its sequence number, and the tag of its arrival."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it is stored."""

    shard_key: int
    first: int
    last: int
    previous_last: int
    first_index: int
    count: int
    format: int
    crc: int
    record_index: bytes
    payload: bytes

    @property
    def payload_bytes(self) -> int:
        """Bytes of the payload (peeking.StoredRun)."""
        return len(self.payload)


@dataclass(frozen=True, slots=True)
class Index:
    """A segment's index, unpacked."""

    numbers: array[int]
    ends: array[int]
    sizes: array[int]


def encode(
    shard_key: int,
    suffix: str,
    *,
    numbers: range,
    previous_last: int,
    first_index: int,
    records: Sequence[NewRecord],
    attributes: Mapping[int, Mapping[str, str]] | None = None,
) -> tuple[Segment, list[str]]:
    """Encode records with the numbers that they were given; the segment and the sequence numbers.

    `suffix` is the shard's index as it ends its sequence numbers; `attributes` has those of records that have any, by
    place.
    """
    batch = stream_service_pb2.GetRecordsResponse()
    add, millis = batch.records.add, numbers[0] >> sequence.COUNTER_BITS
    head = _HEAD_BYTES + varint_bytes(millis)
    texts = [f"{number:020d}{suffix}" for number in numbers]
    for text, record in zip(texts, records, strict=True):
        add(sequence_number=text, approximate_arrival_unix_millis=millis, partition_key=record[0], data=record[1])
    for place, named in (attributes or {}).items():
        batch.records[place].attributes.update(named)
    payload = batch.SerializeToString()
    ends = array("q", accumulate([_element_bytes(head + record[4]) for record in records]))
    assert ends[-1] == len(payload), "the index is reckoned as the records are encoded"
    record_index = _pack(array("q", numbers), ends, array("q", [record[3] for record in records]))
    fields = (shard_key, numbers[0], numbers[-1], previous_last, first_index, len(numbers), FORMAT)
    return Segment(*fields, _crc(fields, record_index, payload), record_index, payload), texts


def _element_bytes(length: int) -> int:
    """Bytes of an element of the field: its tag, its length, and itself."""
    return length + (2 if length < 128 else 3 if length < 16_384 else 4 if length < 2_097_152 else 5)


def row_of(segment: Segment) -> tuple[object, ...]:
    """The columns of a segment, in the order of its fields."""
    return (
        segment.shard_key,
        segment.first,
        segment.last,
        segment.previous_last,
        segment.first_index,
        segment.count,
        segment.format,
        segment.crc,
        segment.record_index,
        segment.payload,
    )


def is_sound(segment: Segment) -> bool:
    """Whether the segment is what was stored: its checksum and its index agree with it."""
    fields = (
        segment.shard_key,
        segment.first,
        segment.last,
        segment.previous_last,
        segment.first_index,
        segment.count,
        segment.format,
    )
    return segment.format == FORMAT and _crc(fields, segment.record_index, segment.payload) == segment.crc


def index_of(segment: Segment) -> Index:
    """Unpack the index of a sound segment."""
    column = segment.count * 8
    columns = []
    for place in range(3):
        values = array("q")
        values.frombytes(segment.record_index[place * column : (place + 1) * column])
        if sys.byteorder == "big":
            values.byteswap()
        columns.append(values)
    return Index(*columns)


def part_of(segment: Segment, after: int, bounds: Bounds, *, must_have_one: bool) -> Slice:
    """The records of a sound segment after a number, as many as the bounds allow; none where they allow none."""
    index = index_of(segment)
    numbers, ends, sizes = index.numbers, index.ends, index.sizes
    begin = bisect_right(numbers, after)
    end = min(bisect_right(numbers, bounds.until), begin + bounds.limit)
    total = 0
    for place in range(begin, end):
        total += sizes[place]
        if total > bounds.bytes_max and not (must_have_one and place == begin):
            end = place
            break
    if begin == 0 and end == segment.count:
        return Slice(segment.payload, ends, numbers, sizes)
    offset = ends[begin - 1] if begin else 0
    stop = ends[end - 1] if end > begin else offset
    payload = memoryview(segment.payload)[offset:stop]
    return Slice(payload, [each - offset for each in ends[begin:end]], numbers[begin:end], sizes[begin:end])


def _pack(*columns: array[int]) -> bytes:
    if sys.byteorder == "big":
        for column in columns:
            column.byteswap()
    return b"".join(column.tobytes() for column in columns)


def _crc(fields: Sequence[int], record_index: bytes, payload: bytes) -> int:
    head = ",".join(map(str, fields)).encode()
    return zlib.crc32(payload, zlib.crc32(record_index, zlib.crc32(head)))
