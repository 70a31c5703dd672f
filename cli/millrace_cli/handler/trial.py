"""The records of a test batch: from arguments, from lines, or from records as `millrace get` prints them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from typing import Any

from millrace.stream.v1 import record_pb2

from millrace_cli.failure import UsageFailed

RECORDS_MAX = 10_000
BYTES_MAX = 15 * 1024 * 1024
"""What one message carries; the service allows less and says so."""

_NUMBER_DIGITS = 20
_SHARD_DIGITS = 10


def of_data(data: Iterable[bytes], *, key: str, now_millis: int) -> Sequence[record_pb2.Record]:
    """A record for each, numbered from 1. Raises UsageFailed for more than a batch can be."""
    found: list[record_pb2.Record] = []
    size_bytes = 0
    for each in data:
        size_bytes += len(each)
        if len(found) == RECORDS_MAX or size_bytes > BYTES_MAX:
            raise UsageFailed(
                f"a test batch has at most {RECORDS_MAX:,} records and 6 MiB; these are more: send the first ones only"
            )
        number = sequence_number(len(found))
        found.append(
            record_pb2.Record(
                sequence_number=number, partition_key=key, data=each, approximate_arrival_unix_millis=now_millis
            )
        )
    return found


def of_records(lines: Iterable[bytes], *, key: str, now_millis: int) -> Sequence[record_pb2.Record]:
    """The records of JSON lines; what a line leaves out is filled in. Raises UsageFailed with the line's number."""
    rows = [_object(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    found = of_data((_data(row, number) for number, row in rows), key=key, now_millis=now_millis)
    for record, (number, row) in zip(found, rows, strict=True):
        try:
            record.sequence_number = row.get("sequence_number") or record.sequence_number
            record.partition_key = row.get("partition_key") or key
            arrival = row.get("approximate_arrival_unix_millis")
            record.approximate_arrival_unix_millis = now_millis if arrival is None else int(arrival)
            record.attributes.update(row.get("attributes") or {})
        except (TypeError, ValueError, AttributeError) as error:
            raise UsageFailed(
                f"line {number} is no record as `millrace get --output jsonl` prints it: {error}"
            ) from error
    return found


def sequence_number(place: int) -> str:
    """The sequence number of the record at that place of a test batch, counted from 0."""
    return f"{place + 1:0{_NUMBER_DIGITS}d}{0:0{_SHARD_DIGITS}d}"


def _object(line: bytes, number: int) -> tuple[int, dict[str, Any]]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UsageFailed(f"line {number} is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise UsageFailed(f"line {number} is no JSON object; --as lines takes each line as a record's data")
    return number, row


def _data(row: dict[str, Any], number: int) -> bytes:
    try:
        if "data_base64" in row:
            return base64.b64decode(row["data_base64"], validate=True)
        return str(row["data"]).encode()
    except KeyError as error:
        raise UsageFailed(
            f"line {number} has neither data nor data_base64; --as lines takes each line as a record's data"
        ) from error
    except (binascii.Error, TypeError, ValueError) as error:
        raise UsageFailed(f"data_base64 in line {number} is no base64") from error
