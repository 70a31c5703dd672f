"""The manners of both services as real processes: what they tell, what they never tell, and how they end."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from millrace.mapping.v1 import event_source_mapping_service_pb2
from millrace.stream.v1 import stream_service_pb2

from mapping_service import metrics as mapping_metrics
from stream_service import metrics as stream_metrics
from tests.support import curl, mill, scrape
from tests.support.clients import Clients
from tests.support.mill import Mill

pytestmark = pytest.mark.asyncio
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
NAMES = {
    "stream": ["millrace.stream.v1.StreamService"],
    "mapping": [
        "millrace.handler.v1.WorkerService",
        "millrace.mapping.v1.EventSourceMappingService",
        "millrace.mapping.v1.HandlerRegistryService",
        "millrace.mapping.v1.RoleService",
    ],
}
PLANTED = {name: f"planted-{name}-6f1d" for name in ("payload", "key", "attribute", "poison")}


@asynccontextmanager
async def a_mill(folder: Path, monkeypatch: pytest.MonkeyPatch, **handler: str) -> AsyncIterator[tuple[Mill, Clients]]:
    """Both services with an admin port and all that they can log, and a handler."""
    for name in ("STREAM", "MAPPING"):
        monkeypatch.setenv(f"MILLRACE_{name}_ADMIN_ADDRESS", "127.0.0.1:0")
        monkeypatch.setenv(f"MILLRACE_{name}_LOG_LEVEL", "DEBUG")
    async with mill.running(folder, **handler) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            yield running, clients


async def _until_metric(address: str, name: str, labels: dict[str, str], value: float) -> scrape.Scraped:
    """Wait until a metric has a value; all metrics then."""
    wanted = tuple(sorted(labels.items()))
    async with asyncio.timeout(60):
        while (found := await scrape.scrape(address)).get(name, {}).get(wanted) != value:
            await mill.a_moment(0.05)
    return found


async def test_metrics_tell_what_happened_and_go_with_their_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_mill(tmp_path, monkeypatch, failing=PLANTED["poison"]) as (running, clients):
        admins = [scrape.admin_address(service.log) for service in (running.stream, running.mapping)]
        await clients.create_stream("orders")
        await clients.register("recorder", running.handler.address)
        mapping_id = await clients.map(
            "orders", "recorder", maximum_retry_attempts=1, bisect_batch_on_function_error=True
        )
        await clients.until_result(mapping_id, "No records processed")
        await clients.put("orders", "1", PLANTED["poison"], "3", "4")
        about = {"mapping_id": mapping_id}
        await _until_metric(admins[1], "millrace_mapping_records_delivered_total", about, 3)
        told = await _until_metric(admins[1], "millrace_mapping_iterator_age_seconds", about, 0)
        stream = await scrape.scrape(admins[0])
        kinds = [set(await scrape.families(each)) for each in admins]
        request = event_source_mapping_service_pb2.DeleteEventSourceMappingRequest(mapping_id=mapping_id)
        await clients.mapping.DeleteEventSourceMapping(request, timeout=20)
        async with asyncio.timeout(60):
            while mapping_id in (await scrape.request(admins[1], "GET", "/metrics"))[1]:
                await mill.a_moment(0.05)

    key = tuple(about.items())
    assert told["millrace_mapping_records_discarded_total"][_with("condition", "RetryAttemptsExhausted", key)] == 1
    assert told["millrace_mapping_dead_letters_total"][key] == 1
    assert told["millrace_mapping_retries_total"][key] == 1
    assert told["millrace_mapping_bisections_total"][key] >= 1
    assert told["millrace_mapping_invocations_total"][_with("outcome", "failed", key)] >= 3
    assert told["millrace_mapping_invoke_duration_seconds_count"][key] >= 5
    assert told["millrace_stream_service_connected"][()] == 1
    put = (("rpc_method", f"{NAMES['stream'][0]}/PutRecords"), ("rpc_response_status_code", "OK"))
    assert stream["rpc_server_call_duration_seconds_count"][put] == 1
    assert stream["millrace_records_put_total"][()] == 4
    assert stream["millrace_commit_duration_seconds_count"][()] >= 2
    assert stream["millrace_commit_requests_sum"][()] >= 2
    assert stream["millrace_watch_entries"][()] >= 1
    assert stream["process_resident_memory_bytes"][()] > 0
    for listed, found in zip((stream_metrics.METRICS, mapping_metrics.METRICS), kinds, strict=True):
        assert {metric.name for metric in listed} <= found
        assert {name for name in found if name.startswith(("millrace", "rpc"))} <= {each.name for each in listed}


def _with(label: str, value: str, labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((*labels, (label, value))))


async def test_logs_are_json_and_hold_no_payload_no_key_and_no_attribute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_mill(tmp_path, monkeypatch, failing=PLANTED["poison"]) as (running, clients):
        await clients.create_stream("orders")
        await clients.register("recorder", running.handler.address)
        mapping_id = await clients.map("orders", "recorder", maximum_retry_attempts=0)
        request = stream_service_pb2.PutRecordsRequest(stream_name="orders")
        for data in (PLANTED["payload"], PLANTED["poison"]):
            entry = request.records.add(partition_key=PLANTED["key"], data=data.encode())
            entry.attributes["note"] = PLANTED["attribute"]
        await clients.stream.PutRecords(request, timeout=20)
        await _refused(clients, _too_large())
        await _refused(clients, _bad_hash_key(), request_id="asked-by-a-test")
        admin = scrape.admin_address(running.mapping.log)
        await _until_metric(admin, "millrace_mapping_dead_letters_total", {"mapping_id": mapping_id}, 1)
        await asyncio.to_thread(running.mapping.stop)
        await asyncio.to_thread(running.stream.stop)
        logs = {name: getattr(running, name).log for name in ("stream", "mapping")}

    for name, lines in logs.items():
        parsed = [json.loads(line) for line in lines]
        assert all({"event", "level", "timestamp", "logger"} <= line.keys() for line in parsed), name
        assert {"versions", "admin_listens", "draining", "drained"} <= {line["event"] for line in parsed}, name
        assert [text for text in PLANTED.values() if text in "\n".join(lines)] == [], name
    refusals = [line for line in map(json.loads, logs["stream"]) if line["event"] == "call_refused"]
    assert "asked-by-a-test" in [line["request_id"] for line in refusals]
    assert {line["reason"] for line in refusals} >= {"INVALID_ARGUMENT", "RECORD_TOO_LARGE"}


def _too_large() -> Any:
    data = PLANTED["payload"].encode() * 60_000
    return stream_service_pb2.PutRecordRequest(stream_name="orders", partition_key=PLANTED["key"], data=data)


def _bad_hash_key() -> Any:
    bad = {"explicit_hash_key": PLANTED["key"]}
    return stream_service_pb2.PutRecordRequest(stream_name="orders", partition_key="k", data=b"1", **bad)


async def _refused(clients: Clients, request: Any, *, request_id: str = "") -> None:
    metadata = (("x-request-id", request_id),) if request_id else ()
    with pytest.raises(grpc.aio.AioRpcError):
        await clients.stream.PutRecord(request, timeout=20, metadata=metadata)


async def test_tools_without_the_contracts_can_list_describe_and_call(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running:
        for protocol in ("grpc-v1", "grpc-v1alpha"):
            await _look_around(running, protocol)


async def _look_around(running: Mill, protocol: str) -> None:
    stream, mapping = running.stream.address, running.mapping.address
    service, registry = NAMES["stream"][0], "millrace.mapping.v1.HandlerRegistryService"
    for name, address in (("stream", stream), ("mapping", mapping)):
        assert set(await curl.listed(address, protocol=protocol)) >= {*NAMES[name], "grpc.health.v1.Health"}
    assert f"{service}/WatchAppends" in await curl.methods(stream, protocol=protocol)
    name = f"orders-{protocol}"
    await curl.call(stream, f"{service}/CreateStream", protocol=protocol, streamName=name)
    described = await curl.call(stream, f"{service}/DescribeStream", protocol=protocol, streamName=name)
    handlers = await curl.call(mapping, f"{registry}/ListHandlers", protocol=protocol)
    health = await curl.call(mapping, "grpc.health.v1.Health/List", protocol=protocol)

    assert described["stream"]["streamName"] == name
    assert handlers == {}
    assert health["statuses"] == {name: {"status": "SERVING"} for name in ("", *NAMES["mapping"])}


async def test_a_drain_of_the_stream_service_tells_health_ends_waiting_calls_and_answers_puts(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.create_stream("idle")
            async with grpc.aio.insecure_channel(running.stream.address) as channel:
                stub = health_pb2_grpc.HealthStub(channel)
                for name in ("", *NAMES["stream"]):
                    answer = await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=20)
                    assert answer.status == SERVING
                states = aiter(stub.Watch(health_pb2.HealthCheckRequest(), timeout=60))
                assert (await anext(states)).status == SERVING
                position = stream_service_pb2.ShardPosition(stream_name="idle", shard_id="shardId-000000000000")
                read = stream_service_pb2.GetRecordsRequest(position=position)
                read.max_wait.FromSeconds(20)
                waiting = asyncio.ensure_future(_answer(clients.stream.GetRecords(read, timeout=40)))
                puts = [asyncio.ensure_future(_put(clients)) for _ in range(50)]
                await asyncio.wait([waiting, *puts], timeout=0.05)
                begun = time.monotonic()
                ended = asyncio.create_task(asyncio.to_thread(running.stream.stop))
                assert (await anext(states)).status == NOT_SERVING
                answers = await asyncio.gather(*puts)
                code = await ended
                seconds = time.monotonic() - begun
                await waiting
        stored = [answer for answer in answers if answer]
        await asyncio.to_thread(running.stream.start)
        async with Clients(running.stream.address, running.mapping.address) as clients:
            kept = {number for entries in (await clients.log("orders", 1)).values() for number, _ in entries}

    assert code == 0
    assert seconds < 8, "the waiting read did not hold it up"
    assert set(stored) <= kept
    assert len(kept) == len(stored), "what was accepted was answered"


async def _answer(call: Any) -> Any:
    """The answer, or the error as a value."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return error


async def _put(clients: Clients) -> str:
    """The sequence number; empty when it was refused."""
    request = stream_service_pb2.PutRecordRequest(stream_name="orders", partition_key="k", data=b"1")
    answer = await _answer(clients.stream.PutRecord(request, timeout=20))
    return "" if isinstance(answer, grpc.aio.AioRpcError) else str(answer.sequence_number)


async def test_a_drain_of_the_mapping_service_is_bounded_by_its_time_and_a_second_signal_ends_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_MAPPING_DRAIN_TIMEOUT_SECONDS", "2")
    async with mill.running(tmp_path, seconds="120") as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.put("orders", "1")
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder")
            await mill.until(lambda: bool(running.history.refresh().in_flight), "a call in the handler")
            begun = time.monotonic()
            bounded = await asyncio.to_thread(running.mapping.stop)
            seconds = time.monotonic() - begun
            monkeypatch.setenv("MILLRACE_MAPPING_DRAIN_TIMEOUT_SECONDS", "600")
            await asyncio.to_thread(running.mapping.start)
            await mill.until(lambda: len(running.history.refresh().invocations) == 2, "the call again")
            running.mapping.send(signal.SIGTERM)
            await mill.until(lambda: any('"draining"' in line for line in running.mapping.log[-3:]), "the drain")
            at_once = await asyncio.to_thread(running.mapping.stop)

    assert (bounded, at_once) == (0, 143)
    assert seconds < 6
    assert [call.attempt for call in running.history.invocations] == [1, 1], "a stop costs no attempt"
