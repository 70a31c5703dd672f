"""The field of an encoded message whose text is not UTF-8 is found."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from millrace.stream.v1 import stream_service_pb2 as pb

from chassis.process import wire_text

MARK = "spoilt"
PUT = pb.PutRecordsRequest(
    stream_name="orders",
    records=[
        pb.PutRecordsRequestEntry(partition_key="a", data=b"\xff\xfe"),
        pb.PutRecordsRequestEntry(partition_key=MARK, producer_sequence=7),
    ],
)
TAGS = pb.CreateStreamRequest(stream_name="orders", shard_count=3, tags={"a": "b", "c": MARK})
POSITION = pb.GetRecordsRequest(limit=5, position=pb.ShardPosition(stream_name="orders", shard_id=MARK))


def spoilt(request: Any) -> bytes:
    """The encoded request with the mark's first letter as a byte that begins no character."""
    return bytes(request.SerializeToString().replace(MARK.encode(), b"\xff" + MARK[1:].encode()))


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (pb.DescribeStreamRequest(stream_name=MARK), "stream_name"),
        (PUT, "records[1].partition_key"),
        (TAGS, "tags"),
        (POSITION, "position.shard_id"),
    ],
)
def test_text_that_is_not_utf8_is_found_by_its_path(request_: Any, path: str) -> None:
    data = spoilt(request_)
    with pytest.raises(DecodeError):
        type(request_).FromString(data)
    assert wire_text.field_that_is_not_text(request_.DESCRIPTOR, data) == path


@pytest.mark.parametrize("request_", [PUT, TAGS, POSITION])
def test_a_good_message_has_none(request_: Any) -> None:
    assert wire_text.field_that_is_not_text(request_.DESCRIPTOR, request_.SerializeToString()) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_looked_at_without_an_error(data: bytes) -> None:
    wire_text.field_that_is_not_text(pb.PutRecordsRequest.DESCRIPTOR, data)
