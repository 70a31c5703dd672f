"""What a handler is given: a batch of records of one shard, in order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from millrace.handler.v1 import handler_service_pb2
from millrace.stream.v1 import record_pb2

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Record:
    """A record, read-only. It looks into the message that arrived; nothing is copied before it is asked for."""

    __slots__ = ("_message",)

    def __init__(self, message: record_pb2.Record) -> None:
        self._message = message

    @classmethod
    def of(cls, data: bytes, partition_key: str = "key", *, sequence_number: str = "0" * 30) -> Record:
        """A record for trying out a handler, which arrived at the beginning of 1970."""
        return cls(record_pb2.Record(sequence_number=sequence_number, partition_key=partition_key, data=data))

    @property
    def data(self) -> bytes:
        """The producer's bytes, unchanged; empty when it put none."""
        return self._message.data

    @property
    def partition_key(self) -> str:
        """The producer's key. Records of one key come in the order in which they were put."""
        return self._message.partition_key

    @property
    def sequence_number(self) -> str:
        """The record's place in its shard: 30 digits, rising; unique in its stream. This is what a failure names."""
        return self._message.sequence_number

    @property
    def arrival(self) -> datetime:
        """When the stream service took the record, by its clock, in UTC, to the millisecond."""
        return _EPOCH + timedelta(milliseconds=self._message.approximate_arrival_unix_millis)

    @property
    def attributes(self) -> Mapping[str, str]:
        """Small named values beside the data; empty when there are none."""
        return dict(self._message.attributes)

    def json(self) -> Any:
        """The data read as JSON. Raises ValueError when it is not."""
        return json.loads(self._message.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._message == other._message

    def __hash__(self) -> int:
        return hash((self.sequence_number, self.partition_key))

    def __repr__(self) -> str:
        return f"Record({self.sequence_number}, key={self.partition_key!r}, {len(self.data)} bytes)"


class Batch(list[Record]):
    """The records of one invocation, in order, and what is known about it: a list that says where it comes from."""

    __slots__ = ("_request",)

    def __init__(self, request: handler_service_pb2.InvokeRequest) -> None:
        super().__init__(map(Record, request.records))
        self._request = request

    @property
    def invocation_id(self) -> str:
        """A UUID that stays the same when the same batch is sent again, and is new for a part of it."""
        return self._request.invocation_id

    @property
    def attempt(self) -> int:
        """Which attempt at this batch this is, from 1. The count survives restarts."""
        return self._request.attempt

    @property
    def epoch(self) -> int:
        """Fencing number: after a higher one for the same mapping and shard, a lower one is from a stale poller."""
        return self._request.epoch

    @property
    def mapping_id(self) -> str:
        """The mapping that sends the batch; empty in a test sent by InvokeHandler."""
        return self._request.mapping_id

    @property
    def event_source(self) -> str:
        """Where the records come from, such as streams/orders."""
        return self._request.event_source

    @property
    def shard_id(self) -> str:
        """The shard that the records come from."""
        return self._request.shard_id
