"""What may be started in any order, and how processes end."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from millrace.mapping.v1 import event_source_mapping_pb2
from millrace.stream.v1 import stream_service_pb2

from tests.support import mill
from tests.support.clients import Clients

ENABLED = event_source_mapping_pb2.EVENT_SOURCE_MAPPING_STATE_ENABLED


@pytest.mark.asyncio
async def test_a_mapping_waits_for_its_stream_and_says_so(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.register("recorder", running.handler.address)
            mapping_id = await clients.map("orders", "recorder")
            waiting = await clients.until_result(mapping_id, "PROBLEM")
            state = (await clients.get_mapping(mapping_id)).state
            await clients.create_stream("orders", 2)
            await clients.put("orders", "1", "2")
            await mill.until(lambda: {"1", "2"} <= running.history.refresh().delivered, "records of the late stream")
            await clients.until_result(mapping_id, "OK")

    assert waiting == "PROBLEM: stream orders not found"
    assert state == ENABLED


@pytest.mark.asyncio
async def test_a_mapping_waits_for_its_handler_and_says_so(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.put("orders", "1")
            await clients.register("recorder", running.handler.address)
            await asyncio.to_thread(running.handler.kill)
            mapping_id = await clients.map("orders", "recorder", maximum_retry_attempts=0)
            await clients.until_result(mapping_id, "PROBLEM")
            await asyncio.to_thread(running.handler.start)
            await mill.until(lambda: "1" in running.history.refresh().delivered, "the record, at no cost of attempts")

    assert [call.attempt for call in running.history.invocations] == [1]


@pytest.mark.asyncio
async def test_K2_a_stream_created_again_is_read_from_its_beginning_and_that_is_audited(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder")
            await clients.put("orders", "old")
            await mill.until(lambda: "old" in running.history.refresh().delivered, "the old stream's record")
            await clients.stream.DeleteStream(stream_service_pb2.DeleteStreamRequest(stream_name="orders"))
            await clients.create_stream("orders")
            await clients.put("orders", "new")
            await mill.until(lambda: "new" in running.history.refresh().delivered, "the new stream's record")

    with sqlite3.connect(f"file:{tmp_path / 'mapping.db'}?mode=ro", uri=True) as connection:
        entries = connection.execute("SELECT action, actor FROM audit_entry").fetchall()
    assert entries == [("stream_created_again", "mapping_service")]


@pytest.mark.asyncio
async def test_services_end_in_order_when_asked(tmp_path: Path) -> None:
    async with mill.running(tmp_path, seconds="0.5") as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.put("orders", "1", "2")
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder")
            await mill.until(lambda: bool(running.history.refresh().in_flight), "a call in the handler")
            mapping_code = await asyncio.to_thread(running.mapping.stop)
            stream_code = await asyncio.to_thread(running.stream.stop)
            await asyncio.to_thread(running.stream.start)
            await asyncio.to_thread(running.mapping.start)
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.put("orders", "3")
            await mill.until(lambda: "3" in running.history.refresh().delivered, "the record after the restart")

    assert (mapping_code, stream_code) == (0, 0)
    assert [call.data for call in running.history.invocations] == [["1", "2"], ["3"]]
