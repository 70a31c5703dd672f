"""Reading a shard, against a service that answers as it is told."""

from __future__ import annotations

from typing import Any

import pytest
from millrace.stream.v1 import record_pb2
from millrace.stream.v1 import stream_service_pb2 as pb
from millrace_cli.records import reader
from millrace_cli.records.reader import ShardReader, Source
from millrace_cli.refusal import CallFailed, Refusal

pytestmark = pytest.mark.asyncio


class Service:
    """Gives these answers, one a call."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.requests: list[Any] = []
        self.extra_seconds: list[float] = []

    async def call(self, name: str, request: Any, *, extra_seconds: float = 0.0) -> Any:
        assert name == "GetRecords"
        self.requests.append(request)
        self.extra_seconds.append(extra_seconds)
        answer = self._answers.pop(0)
        if isinstance(answer, CallFailed):
            raise answer
        return answer


def of(service: Service) -> ShardReader:
    source: Any = Source(service, "orders", "id-1")  # type: ignore[arg-type]  # it is asked for calls alone
    return ShardReader(source, "shardId-000000000000", after="5")


def refused(reason: str) -> CallFailed:
    return CallFailed(Refusal(code="RESOURCE_EXHAUSTED", message="", reason=reason, retry_seconds=0.001), "text")


async def test_it_reads_on_where_it_stopped_in_the_same_incarnation_of_the_stream() -> None:
    service = Service(pb.GetRecordsResponse(next_position="7"), pb.GetRecordsResponse(), pb.GetRecordsResponse())
    one = of(service)

    for _ in range(3):
        await one.read()

    positions = [request.position for request in service.requests]
    assert [each.after_sequence_number for each in positions] == ["5", "7", "7"]
    assert {(each.stream_name, each.stream_id, each.shard_id) for each in positions} == {
        ("orders", "id-1", "shardId-000000000000")
    }


async def test_a_read_limit_is_waited_for() -> None:
    service = Service(refused("READ_LIMIT_EXCEEDED"), refused("READ_LIMIT_EXCEEDED"), pb.GetRecordsResponse())

    await of(service).read()

    assert len(service.requests) == 3


async def test_every_other_refusal_is_passed_on() -> None:
    with pytest.raises(CallFailed):
        await of(Service(refused("DATA_LOSS"))).read()


async def test_a_read_that_waits_has_the_wait_on_top_of_its_deadline() -> None:
    service = Service(pb.GetRecordsResponse(), pb.GetRecordsResponse())

    await of(service).read(wait_seconds=20)
    await of(service).read()

    assert [request.max_wait.seconds for request in service.requests] == [20, 0]
    assert service.extra_seconds == [20, 0]


async def test_records_that_were_trimmed_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    missed = pb.MissedRecords(after_sequence_number="1", until_sequence_number="9", record_count=1_234)

    page = await of(Service(pb.GetRecordsResponse(records=[record_pb2.Record()], missed_records=missed))).read()

    assert len(page.records) == 1
    assert "1,234 records were trimmed" in capsys.readouterr().err


async def test_all_shards_together_keep_within_a_bound() -> None:
    for shards in (1, 10, 64, 1_000):
        assert shards * reader.page_bytes(shards) <= reader.BYTES_OF_ALL_MAX
    assert reader.page_bytes(10_000) == reader.PAGE_BYTES[0]
