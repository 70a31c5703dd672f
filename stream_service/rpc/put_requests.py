"""From messages with records to works. Everything that is wrong with a request is told at once, by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from millrace.stream.v1 import record_pb2
from millrace.stream.v1 import stream_service_pb2 as pb

from chassis.errors import Violations
from stream_service.core import limits, names, router, sequence
from stream_service.core.record import NewRecord, new_record
from stream_service.core.works import ProducerNumber, Put


def put_record(request: pb.PutRecordRequest, *, now_millis: int) -> Put:
    """A PutRecord. A number for ordering is kept anyway, as numbers rise; it has to be one."""
    problems = Violations()
    limits.check_name(problems, "stream_name", request.stream_name)
    record = _record(problems, "", request)
    ordering = request.sequence_number_for_ordering
    if ordering:
        parsed = sequence.parse(ordering)
        if parsed is None:
            problems.add("sequence_number_for_ordering", f"must be a sequence number of {sequence.DIGITS} digits")
        elif sequence.millis_of(parsed[0]) > now_millis:
            problems.add("sequence_number_for_ordering", f"{ordering} lies in the future")
    problems.raise_if_any()
    return _put(request.stream_name, (record,), (request,), is_all_or_none=False)


def put_records(request: pb.PutRecordsRequest) -> Put:
    """A PutRecords. The usual one has keys and data, and perhaps numbers of one producer; others take longer."""
    made: list[NewRecord] = []
    append, hash_key_of = made.append, router.hash_key_of
    total, is_plain, is_numbered = 0, True, False
    for entry in request.records:
        key, data = entry.partition_key, entry.data
        if entry.producer_id:
            is_numbered = True
        if entry.explicit_hash_key or entry.attributes:
            is_plain = False
        key_bytes, data_bytes = len(key) if key.isascii() else len(key.encode()), len(data)
        fields = key_bytes + (2 if key_bytes < 128 else 3)
        if data_bytes:
            fields += data_bytes + (
                2 if data_bytes < 128 else 3 if data_bytes < 16_384 else 4 if data_bytes < 2_097_152 else 5
            )
        total += key_bytes + data_bytes
        if not 0 < len(key) <= limits.PARTITION_KEY_CHARACTERS_MAX:
            is_plain = False
        append((key, data, hash_key_of(key), key_bytes + data_bytes, fields))
    is_plain = is_plain and 0 < len(made) <= limits.RECORDS_MAX and total <= limits.REQUEST_BYTES_MAX
    numbered = [(entry.producer_id, entry.producer_sequence) for entry in request.records]
    is_plain = is_plain and _are_fit(numbered, is_numbered=is_numbered)
    if not is_plain or not names.is_stream_name(request.stream_name):
        return _checked(request)
    return Put(
        request.stream_name,
        made,
        total,
        producers=numbered if is_numbered else (),
        is_all_or_none=request.all_or_none,
    )


def _are_fit(numbered: Sequence[ProducerNumber], *, is_numbered: bool) -> bool:
    """Whether all records are numbered well, or none is numbered at all."""
    if not is_numbered:
        return not any(number for _, number in numbered)
    return all(len(producer) == limits.PRODUCER_ID_BYTES and number > 0 for producer, number in numbered)


def _checked(request: pb.PutRecordsRequest) -> Put:
    """The same, slower, naming everything that is wrong."""
    problems = Violations()
    limits.check_name(problems, "stream_name", request.stream_name)
    made: Sequence[NewRecord] = ()
    if len(request.records) <= limits.RECORDS_MAX:
        made = [_record(problems, f"records[{place}].", each) for place, each in enumerate(request.records)]
        limits.check_request(problems, [each[3] for each in made])
    else:
        limits.check_request(problems, range(len(request.records)))
    problems.raise_if_any()
    return _put(request.stream_name, made, request.records, is_all_or_none=request.all_or_none)


def _put(stream_name: str, made: Sequence[NewRecord], entries: Sequence[Any], *, is_all_or_none: bool) -> Put:
    attributes: Mapping[int, Mapping[str, str]] = {
        place: dict(entry.attributes) for place, entry in enumerate(entries) if entry.attributes
    }
    producers = [(entry.producer_id, entry.producer_sequence) if entry.producer_id else None for entry in entries]
    return Put(
        stream_name,
        made,
        sum(each[3] for each in made),
        attributes=attributes,
        producers=producers if any(producers) else (),
        is_all_or_none=is_all_or_none,
    )


def _record(problems: Violations, path: str, entry: Any) -> NewRecord:
    key, data, explicit = entry.partition_key, entry.data, entry.explicit_hash_key
    limits.check_partition_key(problems, f"{path}partition_key", key)
    limits.check_hash_key(problems, f"{path}explicit_hash_key", explicit)
    limits.check_attributes(problems, f"{path}attributes", entry.attributes)
    limits.check_producer(problems, path, entry.producer_id, entry.producer_sequence)
    hash_key = router.parse_hash_key(explicit) if explicit else router.hash_key_of(key)
    made = new_record(key, data, hash_key or 0)
    return _with_attributes(made, dict(entry.attributes)) if entry.attributes else made


def _with_attributes(record: NewRecord, attributes: Mapping[str, str]) -> NewRecord:
    """The record with the bytes of its attributes counted in: as text, and as they are encoded."""
    key, data, hash_key, size, fields = record
    text = sum(len(name.encode()) + len(value.encode()) for name, value in attributes.items())
    return key, data, hash_key, size + text, fields + record_pb2.Record(attributes=attributes).ByteSize()
