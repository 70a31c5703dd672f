"""Rule L4 with files that were damaged: what is before the damage is delivered, the damage is named, not delivered."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types
from millrace.stream.v1 import stream_service_pb2

from tests.support import mill
from tests.support.clients import Clients
from tests.support.mill import Mill

pb = stream_service_pb2
SHARD = "shardId-000000000000"
BIT = 4


@dataclass(frozen=True)
class Damage:
    """What is done to the segments of a stream; each of its three records has one of its own."""

    name: str
    do: Callable[[Path, str], None]
    sound: int
    """How many records come before it."""
    goes_on: bool = True
    """Whether there are records behind it."""


def _flip(database: Path, stream: str) -> None:
    """One bit of the second record, in the file as it lies on the disk."""
    data = bytearray(database.read_bytes())
    place = data.find(f"{stream}-2".encode())
    assert place > 0
    assert data.find(f"{stream}-2".encode(), place + 1) < 0, "the record is in the file once"
    data[place] ^= 1 << BIT
    database.write_bytes(data)


def _statement(text: str) -> Callable[[Path, str], None]:
    """A statement on the stream's segments that takes the key of one; the second, or as `text` says."""

    def run(database: Path, stream: str) -> None:
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            keys = connection.execute(
                "SELECT segment.key FROM segment JOIN shard ON shard.key = shard_key JOIN stream ON stream.key = "
                "stream_key WHERE stream.name = ? ORDER BY segment.last",
                (stream,),
            ).fetchall()
            assert len(keys) == 3
            connection.execute(text, keys[2] if stream == "newest" else keys[1])

    return run


DAMAGES = [
    Damage("flipped", _flip, sound=1),
    Damage("missing", _statement("DELETE FROM segment WHERE key = ?"), sound=1),
    Damage("newest", _statement("DELETE FROM segment WHERE key = ?"), sound=2, goes_on=False),
    Damage("number", _statement("UPDATE segment SET last = last + 1 WHERE key = ?"), sound=1),
    Damage("before", _statement("UPDATE segment SET previous_last = previous_last - 1 WHERE key = ?"), sound=1),
    Damage("count", _statement("UPDATE segment SET count = 2 WHERE key = ?"), sound=1),
    Damage("checksum", _statement("UPDATE segment SET crc = crc | 1 | crc << 1 WHERE key = ?"), sound=1),
    Damage("index", _statement("UPDATE segment SET record_index = zeroblob(24) WHERE key = ?"), sound=1),
]


async def _put_all(clients: Clients) -> dict[str, list[str]]:
    """Three records in each stream, each in a commit of its own; their numbers."""
    numbers: dict[str, list[str]] = {}
    for damage in [*(each.name for each in DAMAGES), "healthy"]:
        await clients.create_stream(damage)
        for place in (1, 2, 3):
            request = pb.PutRecordRequest(stream_name=damage, partition_key="a", data=f"{damage}-{place}".encode())
            answer = await clients.stream.PutRecord(request, timeout=20)
            numbers.setdefault(damage, []).append(answer.sequence_number)
    return numbers


async def _read(clients: Clients, stream: str, after: str) -> tuple[list[str], dict[str, str]]:
    """Records after a number, or what the refusal says of where the damage is."""
    position = pb.ShardPosition(stream_name=stream, shard_id=SHARD, after_sequence_number=after)
    try:
        answer = await clients.stream.GetRecords(pb.GetRecordsRequest(position=position), timeout=20)
    except grpc.aio.AioRpcError as error:
        return [], _position(error)
    return [record.data.decode() for record in answer.records], {}


def _position(error: grpc.aio.AioRpcError) -> dict[str, str]:
    encoded: Any = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(encoded).details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    assert (error.code(), info.reason) == (grpc.StatusCode.DATA_LOSS, "DATA_LOSS")
    return dict(info.metadata)


def _delivered(running: Mill, stream: str) -> list[str]:
    calls = running.history.refresh().invocations
    return [data for call in calls for data in call.data if data.startswith(f"{stream}-")]


@pytest.mark.asyncio
async def test_L4_damaged_and_missing_records_are_named_and_never_delivered(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running:
        database = tmp_path / "stream.db"
        async with Clients(running.stream.address, running.mapping.address) as clients:
            numbers = await _put_all(clients)
            assert await asyncio.to_thread(running.stream.stop) == 0
            kept = database.read_bytes()
            for damage in DAMAGES:
                damage.do(database, damage.name)
            await asyncio.to_thread(running.stream.start)
            await clients.register("recorder", running.handler.address)
            ids = {name: await clients.map(name, "recorder") for name in numbers}
            said = {each.name: await clients.until_result(ids[each.name], "damaged") for each in DAMAGES}
            await mill.until(lambda: len(_delivered(running, "healthy")) == 3, "the shard that is not damaged")
            read = {each.name: await _read(clients, each.name, numbers[each.name][each.sound - 1]) for each in DAMAGES}
            behind = {each.name: await _read(clients, each.name, numbers[each.name][1]) for each in DAMAGES}
            before = {each.name: _delivered(running, each.name) for each in DAMAGES}

            assert await asyncio.to_thread(running.stream.stop) == 0
            database.write_bytes(kept)
            await asyncio.to_thread(running.stream.start)
            # It looks at damaged records once a minute; a start looks at once.
            await asyncio.to_thread(running.mapping.stop)
            await asyncio.to_thread(running.mapping.start)
            everything = {f"{name}-{place}" for name in numbers for place in (1, 2, 3)}
            await mill.until(lambda: everything <= running.history.refresh().delivered, "all of the copy")

    for each in DAMAGES:
        name, sound = each.name, numbers[each.name][each.sound - 1]
        assert before[name] == [f"{name}-{place}" for place in range(1, each.sound + 1)]
        assert read[name] == ([], {"stream_name": name, "shard_id": SHARD, "after_sequence_number": sound})
        assert said[name] == (
            f"PROBLEM: records of stream {name}, {SHARD} are damaged: the records of {SHARD} of stream '{name}' after "
            f"{sound} are damaged or missing"
        )
        assert _delivered(running, name) == [f"{name}-{place}" for place in (1, 2, 3)]
        if each.goes_on and name != "number":
            assert behind[name] == ([f"{name}-3"], {}), "who wants to can go on behind the damage"
