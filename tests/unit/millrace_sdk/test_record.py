from __future__ import annotations

from datetime import UTC, datetime

import pytest
from millrace.handler.v1 import handler_service_pb2
from millrace.stream.v1 import record_pb2
from millrace_sdk import Batch, Record


def test_a_record_shows_what_the_message_holds() -> None:
    message = record_pb2.Record(
        sequence_number="7".zfill(30),
        approximate_arrival_unix_millis=1_517_363_399_650,
        partition_key="nc",
        data=b'{"magnitude": 1.5}',
        attributes={"traceparent": "00-1-2-01"},
    )

    record = Record(message)

    assert record.sequence_number == "7".zfill(30)
    assert record.arrival == datetime(2018, 1, 31, 1, 49, 59, 650_000, tzinfo=UTC)
    assert record.partition_key == "nc"
    assert record.json() == {"magnitude": 1.5}
    assert record.attributes == {"traceparent": "00-1-2-01"}


def test_data_that_is_no_json_raises_value_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        Record.of(b"x").json()


def test_records_are_equal_by_what_they_hold() -> None:
    assert Record.of(b"a") == Record.of(b"a")
    assert Record.of(b"a") != Record.of(b"b")
    assert len({Record.of(b"a"), Record.of(b"a")}) == 1


def test_a_record_does_not_show_its_data_in_logs() -> None:
    assert "secret" not in repr(Record.of(b"secret"))


def test_a_batch_is_a_list_that_knows_where_it_comes_from() -> None:
    request = handler_service_pb2.InvokeRequest(
        records=[record_pb2.Record(data=b"a"), record_pb2.Record(data=b"b")],
        invocation_id="id",
        mapping_id="mapping",
        event_source="streams/orders",
        shard_id="shardId-000000000001",
        attempt=3,
        epoch=4,
    )

    batch = Batch(request)

    assert isinstance(batch, list)
    assert [record.data for record in batch] == [b"a", b"b"]
    assert (batch.invocation_id, batch.mapping_id, batch.event_source) == ("id", "mapping", "streams/orders")
    assert (batch.shard_id, batch.attempt, batch.epoch) == ("shardId-000000000001", 3, 4)
