"""A record as the verbs show it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from millrace.stream.v1 import record_pb2

from millrace_cli.records import json_field
from millrace_cli.records.json_field import MISSING

_NUMBER_DIGITS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class View:
    """One record; what is reckoned from it is reckoned once, and only if asked for."""

    def __init__(self, record: record_pb2.Record) -> None:
        self.record = record

    @property
    def sequence_number(self) -> str:
        """Its place."""
        return self.record.sequence_number

    @property
    def shard_id(self) -> str:
        """The shard, which the sequence number names."""
        return shard_of(self.record.sequence_number)

    @cached_property
    def time(self) -> str:
        """Its arrival in UTC to the millisecond, as RFC 3339 has it."""
        moment = _EPOCH + timedelta(milliseconds=self.record.approximate_arrival_unix_millis)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @cached_property
    def text(self) -> str | None:
        """The data as text; None when it is not UTF-8."""
        try:
            return self.record.data.decode()
        except UnicodeDecodeError:
            return None

    @cached_property
    def json(self) -> Any:
        """The data as JSON; MISSING when it is none."""
        return json_field.parse(self.record.data)

    def field(self, name: str) -> str | None:
        """A field by the name that filters and formats use; None when the record has none of that name.

        `key`, `shard`, `sequence_number`, `time` and `attr.NAME` are the record's own; everything else is a path into
        its JSON, also with a dot in front.
        """
        match name:
            case "key":
                return self.record.partition_key
            case "shard":
                return self.shard_id
            case "sequence_number":
                return self.sequence_number
            case "time":
                return self.time
        if name.startswith("attr."):
            return self.record.attributes.get(name.removeprefix("attr."))
        found = json_field.find(self.json, json_field.parse_path(name))
        return None if found is MISSING else json_field.as_text(found)


def shard_of(sequence_number: str) -> str:
    """The shard of a sequence number: the index in its last ten digits."""
    return f"shardId-{int(sequence_number[_NUMBER_DIGITS:]):012d}"


def data_as_json(data: bytes) -> dict[str, str]:
    """`data` with the text, or `data_base64` when the bytes are no UTF-8, so that nothing is lost."""
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(data).decode()}


def as_json(view: View) -> dict[str, object]:
    """The record with the field names of its proto, and `shard_id` and `time` beside them."""
    record = view.record
    return {
        "sequence_number": record.sequence_number,
        "shard_id": view.shard_id,
        "approximate_arrival_unix_millis": record.approximate_arrival_unix_millis,
        "time": view.time,
        "partition_key": record.partition_key,
        **data_as_json(record.data),
        "attributes": dict(record.attributes),
    }
