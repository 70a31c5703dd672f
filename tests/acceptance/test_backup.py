"""Backup and restore as docs/operations.md tells them: copies of running services, and services put back to them."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import mill, stream_process
from tests.support.clients import Clients, Load
from tests.support.mill import Mill

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
DOCUMENTED = (
    "python3 -c \"import sqlite3; sqlite3.connect('file:data/stream.db?mode=ro', uri=True)"
    '.execute(\\"VACUUM INTO \'stream-copy.db\'\\")"'
)
COUNT = 20


def copy(database: Path, to: Path) -> None:
    """By the command that the page shows, with these paths in it."""
    assert DOCUMENTED in PAGE.read_text()
    command = DOCUMENTED.replace("python3", sys.executable).replace("data/stream.db", str(database))
    subprocess.run(command.replace("stream-copy.db", str(to)), shell=True, check=True)


def put_back(copied: Path, database: Path) -> None:
    for leftover in (f"{database}-wal", f"{database}-shm"):
        Path(leftover).unlink(missing_ok=True)
    database.write_bytes(copied.read_bytes())


@contextlib.asynccontextmanager
async def mapped(running: Mill) -> AsyncIterator[Clients]:
    async with Clients(running.stream.address, running.mapping.address) as clients:
        await clients.create_stream("orders")
        await clients.register("recorder", running.handler.address)
        await clients.map("orders", "recorder", batch_size=10)
        yield clients


async def put(clients: Clients, name: str) -> set[str]:
    data = {f"{name}-{index}" for index in range(COUNT)}
    await clients.put("orders", *sorted(data))
    return data


def delivered(running: Mill) -> list[str]:
    return [data for call in running.history.refresh().invocations for data in call.data]


async def until_delivered(running: Mill, data: set[str]) -> None:
    await mill.until(lambda: data <= set(delivered(running)), "every record delivered")


@pytest.mark.asyncio
async def test_a_copy_taken_under_load_holds_all_that_was_acknowledged_before(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running, mapped(running) as clients:
        async with Load(clients, "orders") as load:
            await mill.until(lambda: len(load.puts.stored) > 1_000, "acknowledged records")
            before = set(load.puts.stored)
            (tmp_path / "copy").mkdir()
            await asyncio.to_thread(copy, tmp_path / "stream.db", tmp_path / "copy" / "stream.db")
            at_copy = len(load.puts.stored)
            await mill.until(lambda: len(load.puts.stored) > at_copy + 1_000, "acknowledged records after it")

    with contextlib.closing(sqlite3.connect(tmp_path / "copy" / "stream.db")) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with stream_process.running(tmp_path / "copy") as address:
        async with Clients(address, address) as restored:
            held = {data for records in (await restored.log("orders", 1)).values() for _, data in records}
    assert before <= held
    assert len(held) < len(load.puts.stored)


@pytest.mark.asyncio
async def test_a_mapping_goes_on_with_new_records_when_its_stream_was_put_back(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running, mapped(running) as clients:
        kept = await put(clients, "kept")
        await until_delivered(running, kept)
        copy(tmp_path / "stream.db", tmp_path / "copy.db")
        lost = await put(clients, "lost")
        await until_delivered(running, lost)

        await asyncio.to_thread(running.stream.stop)
        put_back(tmp_path / "copy.db", tmp_path / "stream.db")
        await asyncio.to_thread(running.stream.start)
        new = await put(clients, "new")
        await until_delivered(running, new)
        held = {data for _, data in (await clients.log("orders", 1))["shardId-000000000000"]}

    assert held == kept | new
    assert sorted(delivered(running)) == sorted(kept | lost | new)


@pytest.mark.asyncio
async def test_a_mapping_service_that_was_put_back_repeats_from_its_older_checkpoint(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running, mapped(running) as clients:
        first = await put(clients, "first")
        await until_delivered(running, first)
        copy(tmp_path / "mapping.db", tmp_path / "copy.db")
        second = await put(clients, "second")
        await until_delivered(running, second)

        await asyncio.to_thread(running.mapping.stop)
        put_back(tmp_path / "copy.db", tmp_path / "mapping.db")
        await asyncio.to_thread(running.mapping.start)
        third = await put(clients, "third")
        await until_delivered(running, third)

    found = delivered(running)
    assert {data: found.count(data) for data in second} == dict.fromkeys(second, 2)
    assert {data: found.count(data) for data in third} == dict.fromkeys(third, 1)
