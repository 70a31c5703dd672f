"""Retention by bytes on a real service: disk is freed, and a reader who was too slow is told what it missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import field_mask_pb2
from millrace.stream.v1 import stream_pb2, stream_service_pb2

from tests.support import mill, scale
from tests.support.clients import TIMEOUT_SECONDS, Clients

pb = stream_service_pb2
MIB = 1 << 20
SHARD = "shardId-000000000000"
CALLS = scale.choose(small=40, full=120)
RECORDS_A_CALL = 4
RECORD_BYTES = MIB // 4 - 100


async def _read(clients: Clients, after: str) -> Any:
    position = pb.ShardPosition(stream_name="orders", shard_id=SHARD, after_sequence_number=after)
    return await clients.stream.GetRecords(pb.GetRecordsRequest(position=position), timeout=TIMEOUT_SECONDS)


@pytest.mark.asyncio
async def test_a_shard_that_keeps_too_much_is_trimmed_and_its_slow_reader_told(tmp_path: Path) -> None:
    often = {"MILLRACE_STREAM_TRIM_INTERVAL_SECONDS": "0.1"}
    async with mill.running(tmp_path, stream_settings=often) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            request = pb.PutRecordsRequest(stream_name="orders")
            for _ in range(RECORDS_A_CALL):
                request.records.add(partition_key="key", data=bytes(RECORD_BYTES))
            stored = []
            for _ in range(CALLS):
                answer = await clients.stream.PutRecords(request, timeout=TIMEOUT_SECONDS)
                stored += [result.sequence_number for result in answer.results]
            file = tmp_path / "stream.db"
            await mill.until(lambda: file.stat().st_size > CALLS * MIB // 2, "the records in the file")
            await clients.stream.UpdateStream(
                pb.UpdateStreamRequest(
                    stream=stream_pb2.Stream(stream_name="orders", retention_bytes_per_shard=2 * MIB),
                    update_mask=field_mask_pb2.FieldMask(paths=["retention_bytes_per_shard"]),
                ),
                timeout=TIMEOUT_SECONDS,
            )
            await mill.until(lambda: file.stat().st_size < CALLS * MIB // 2, "disk given back")
            shards = await clients.stream.ListShards(pb.ListShardsRequest(stream_name="orders"))
            floor = shards.shards[0].sequence_number_range.starting_sequence_number
            await mill.until(lambda: running.stream.is_running, "the service")
            answer = await _read(clients, floor)
            while len(answer.records) * RECORD_BYTES > 3 * MIB:
                answer = await _read(clients, floor)

    kept = [record.sequence_number for record in answer.records]
    assert kept == stored[-len(kept) :]
    assert MIB <= len(kept) * RECORD_BYTES <= 2 * MIB
    assert answer.missed_records.record_count == len(stored) - len(kept)
    assert answer.missed_records.after_sequence_number == floor
    assert answer.missed_records.until_sequence_number == stored[-len(kept) - 1]
