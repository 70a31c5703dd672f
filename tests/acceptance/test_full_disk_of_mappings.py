"""Rule L8 at the mapping service: on a full disk delivery waits, mappings can be deleted, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from millrace.mapping.v1 import event_source_mapping_service_pb2

from chassis import errors
from tests.support import mill, small_disk
from tests.support.clients import Clients

DISK_BYTES = 64 * small_disk.MIB
POISON = "poison"
LARGE = POISON + "x" * 900_000
COUNT = 30
"""So many dead letters do not fit into what is left of the disk."""
PART_BYTES = 8 * small_disk.MIB
"""Without these the reserve has no room to come back."""
OTHERS = [f"{number}" for number in range(20)]
pb = event_source_mapping_service_pb2


@pytest.mark.asyncio
async def test_L8_what_cannot_be_stored_waits_and_goes_on_by_itself_when_there_is_room(tmp_path: Path) -> None:
    with small_disk.mounted(tmp_path / "disk", size_bytes=DISK_BYTES) as disk:
        async with mill.running(tmp_path, mapping_disk=disk, failing=POISON) as running:
            async with Clients(running.stream.address, running.mapping.address) as clients:
                for name in ("large", "small", "spare"):
                    await clients.create_stream(name)
                await clients.register("recorder", running.handler.address)
                large = await clients.map("large", "recorder", batch_size=1, maximum_retry_attempts=0)
                small = await clients.map("small", "recorder", batch_size=1)
                spare = await clients.map("spare", "recorder")
                small_disk.take_the_rest(disk)
                for _ in range(COUNT):
                    await clients.put("large", LARGE)
                await clients.put("large", "last")
                said = await clients.until_result(large, "PROBLEM: The disk is full")
                await mill.until(lambda: small_disk.take(disk, PART_BYTES), "the reserve is given up")
                await clients.put("small", *OTHERS)
                await clients.until_result(small, "PROBLEM: The disk is full")
                delete = pb.DeleteEventSourceMappingRequest(mapping_id=spare)
                await clients.mapping.DeleteEventSourceMapping(delete, timeout=20)
                await asyncio.to_thread(running.mapping.kill)
                await asyncio.to_thread(running.mapping.start)
                small_disk.give_it_back(disk)
                everything = {"last", *OTHERS}
                await mill.until(lambda: everything <= running.history.refresh().delivered, "every record")
                await clients.until_result(large, "OK")
                await clients.until_result(small, "OK")
                left = await clients.mapping.ListEventSourceMappings(pb.ListEventSourceMappingsRequest(), timeout=20)
                letters = _dead_letters(disk)

    assert said == f"PROBLEM: {errors.StorageFull().message}"
    assert {mapping.mapping_id for mapping in left.mappings} == {large, small}
    assert letters == COUNT
    delivered = [data for call in running.history.invocations for data in call.data if data in OTHERS]
    assert list(dict.fromkeys(delivered)) == OTHERS


def _dead_letters(disk: Path) -> int:
    with sqlite3.connect(f"file:{disk / 'mapping.db'}?mode=ro", uri=True) as connection:
        return int(connection.execute("SELECT sum(record_count) FROM dead_letter").fetchone()[0])
