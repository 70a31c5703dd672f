"""Rule L8 with a real full disk: puts are refused, everything else goes on, and what was acknowledged is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from google.protobuf import field_mask_pb2
from millrace.stream.v1 import stream_pb2, stream_service_pb2

from tests.support import mill, refusals, small_disk
from tests.support.clients import Clients
from tests.support.mill import Mill

pb = stream_service_pb2
DISK_BYTES = 64 * small_disk.MIB
LARGE = bytes(900_000)
ROUNDS = 24
"""Then somebody else takes what is left of the disk; the reserve is kept back until a put is refused."""
FULL = refusals.Refusal(
    code="RESOURCE_EXHAUSTED",
    reason="STORAGE_FULL",
    fields=(),
    message="The disk is full; nothing was changed. Reads, trimming and deletes go on: make room, and writing resumes.",
)
SHARD = "shardId-000000000000"


async def _put(clients: Clients, stream: str, data: bytes) -> refusals.Refusal | None:
    """Why a record is refused; None when it is stored."""
    request = pb.PutRecordRequest(stream_name=stream, partition_key="key", data=data)
    try:
        await clients.stream.PutRecord(request, timeout=20)
    except grpc.aio.AioRpcError as error:
        return refusals.of(error)
    return None


async def _first(clients: Clients, stream: str) -> str:
    """The number of the oldest record that is kept."""
    position = pb.ShardPosition(stream_name=stream, shard_id=SHARD)
    answer = await clients.stream.GetRecords(pb.GetRecordsRequest(position=position, limit=1), timeout=20)
    return str(answer.records[0].sequence_number) if answer.records else ""


async def _fill(clients: Clients, disk: Path) -> list[str]:
    """Put until the disk is full, and a tiny record after each large one; the tiny ones that were acknowledged."""
    acknowledged: list[str] = []
    for number in range(1_000):
        if number == ROUNDS:
            small_disk.take_the_rest(disk)
        stream = "kept" if number % 4 else "shortened"
        await _put(clients, stream, LARGE if number < ROUNDS else LARGE[:50_000])
        if await _put(clients, "orders", f"{number}".encode()) is not None:
            return acknowledged
        acknowledged.append(f"{number}")
    raise AssertionError("the disk does not become full")


async def _until_stored(clients: Clients, data: str) -> None:
    async with asyncio.timeout(60):
        while await _put(clients, "orders", data.encode()) is not None:
            await mill.a_moment(0.1)


async def _refused(clients: Clients) -> list[refusals.Refusal | None]:
    """What is said to those who want to store something."""
    create = refusals.refusal(clients.stream.CreateStream, pb.CreateStreamRequest(stream_name="new"))
    return [await _put(clients, "orders", b"refused"), await create]


async def _trim(clients: Clients, stream: str) -> None:
    """Have a stream keep a mebibyte, and wait until its old records are gone."""
    oldest = await _first(clients, stream)
    keep = stream_pb2.Stream(stream_name=stream, retention_bytes_per_shard=small_disk.MIB)
    mask = field_mask_pb2.FieldMask(paths=["retention_bytes_per_shard"])
    await clients.stream.UpdateStream(pb.UpdateStreamRequest(stream=keep, update_mask=mask), timeout=20)
    async with asyncio.timeout(60):
        while await _first(clients, stream) == oldest:
            await mill.a_moment(0.1)


async def _make_room(clients: Clients, running: Mill) -> None:
    """Delete a stream, and wait until records are stored again."""
    await clients.stream.DeleteStream(pb.DeleteStreamRequest(stream_name="kept"), timeout=20)
    async with asyncio.timeout(60):
        while await _put(clients, "orders", b"written again") is not None:
            await mill.a_moment(0.1)
    await mill.until(lambda: "written again" in running.history.refresh().delivered, "the record that was stored again")


@pytest.mark.asyncio
async def test_L8_puts_are_refused_and_reads_trimming_and_deletes_go_on_until_there_is_room(tmp_path: Path) -> None:
    settings = {"MILLRACE_STREAM_TRIM_INTERVAL_SECONDS": "0.2"}
    with small_disk.mounted(tmp_path / "disk", size_bytes=DISK_BYTES) as disk:
        async with mill.running(tmp_path, stream_disk=disk, stream_settings=settings) as running:
            async with Clients(running.stream.address, running.mapping.address) as clients:
                for name in ("orders", "kept", "shortened"):
                    await clients.create_stream(name)
                await clients.register("recorder", running.handler.address)
                acknowledged = await _fill(clients, disk)
                refused = await _refused(clients)
                await clients.map("orders", "recorder")
                history = running.history
                await mill.until(lambda: set(acknowledged) <= history.refresh().delivered, "what was stored before")
                await _trim(clients, "shortened")
                await asyncio.to_thread(running.stream.kill)
                await asyncio.to_thread(running.stream.start)
                await _make_room(clients, running)
                log = await clients.log("orders", 1)

    assert len(acknowledged) >= ROUNDS
    assert [data for _, data in log[SHARD]] == [*acknowledged, "written again"]
    assert [data for call in history.invocations for data in call.data] == [*acknowledged, "written again"]
    assert refused == [FULL, FULL]
