"""The earthquakes examples run: the handler against a batch, the putting against a stream service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from millrace.handler.v1 import handler_service_pb2, handler_service_pb2_grpc

from tests.support import fake_stream_service
from tests.support.fake_stream_service import FakeStreamService

EXAMPLES = Path(__file__).parents[2] / "examples"
HANDLER = EXAMPLES / "handlers" / "python" / "earthquakes.py"
EVENTS = (EXAMPLES / "data" / "earthquakes.jsonl").read_bytes().splitlines()


@contextlib.contextmanager
def the_handler(*arguments: str) -> Iterator[tuple[Any, Any]]:
    """Its stub and its standard output."""
    with subprocess.Popen(
        [sys.executable, str(HANDLER), "--port", "0", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().split()[1]
        stubs: Any = handler_service_pb2_grpc
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield stubs.HandlerServiceStub(channel), process.stdout
        finally:
            process.terminate()
        assert process.wait(10) == 0


def a_request(first: int, last: int, *, shard: int = 0) -> handler_service_pb2.InvokeRequest:
    request = handler_service_pb2.InvokeRequest(shard_id=f"shardId-{shard:012}", attempt=1, invocation_id="id")
    for index in range(first, last):
        key = json.loads(EVENTS[index])["network"]
        request.records.add(sequence_number=f"{index + 1:030}", partition_key=key, data=EVENTS[index])
    return request


def test_the_handler_prints_the_strongest_event_of_a_batch() -> None:
    strongest = max((json.loads(event) for event in EVENTS[:20]), key=lambda event: event["magnitude"] or -10)

    with the_handler() as (stub, stdout):
        answer = stub.Invoke(a_request(0, 20), timeout=10)
        line = stdout.readline()

    assert answer == handler_service_pb2.InvokeResponse()
    assert line.split()[:5] == ["20", "events;", "strongest", "of", "20"]
    assert f"{strongest['magnitude']:.1f} {strongest['place']}" in line


def test_the_handler_counts_a_record_that_comes_again_once(tmp_path: Path) -> None:
    log = tmp_path / "journal"

    with the_handler("--log", str(log)) as (stub, _):
        for request in (a_request(0, 5), a_request(3, 8), a_request(0, 2, shard=1)):
            stub.Invoke(request, timeout=10)

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["call"], line["count"]) for line in lines] == [
        *[("begin", 5), ("end", 5)],
        *[("begin", 8), ("end", 8)],
        *[("begin", 10), ("end", 10)],
    ]
    assert [number for number, _ in lines[2]["records"]] == [f"{index + 1:030}" for index in range(3, 8)]


def test_the_handler_takes_its_time_in_the_call_that_it_was_told_of(tmp_path: Path) -> None:
    log = tmp_path / "journal"

    with the_handler("--log", str(log), "--slow-at", "5", "--slow-seconds", "0.2") as (stub, _):
        stub.Invoke(a_request(0, 4), timeout=10)
        stub.Invoke(a_request(4, 8), timeout=10)

    times = [json.loads(line)["at"] for line in log.read_text().splitlines()]
    assert times[3] - times[2] >= 0.2


@pytest.mark.asyncio
async def test_put_earthquakes_puts_all_events_each_network_in_order() -> None:
    fake = FakeStreamService(shard_ids=["a", "b", "c", "d"])
    fake.gate.set()

    async with fake_stream_service.running(fake) as address:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLES / "put_earthquakes.py"),
            *("--service", address, "--rate", "100000"),
            stdout=asyncio.subprocess.PIPE,
            env=dict(os.environ),
        )
        output, _ = await process.communicate()

    assert output == b"put 1707 events into earthquakes\n"
    assert sorted(data for _, _, data in fake.stored) == sorted(EVENTS)
    networks = {key for _, key, _ in fake.stored}
    for network in networks:
        expected = [event for event in EVENTS if json.loads(event)["network"] == network]
        assert [data for _, key, data in fake.stored if key == network] == expected
