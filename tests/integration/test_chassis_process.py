"""The chassis in real processes: start, refusals at start, health, reflection, drain, and the end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 30


class Mill:
    """A running process, its address and its logs."""

    def __init__(self, folder: Path, **settings: str) -> None:
        told = {"MILL_DATABASE_URL": f"sqlite:///{folder}/mill.db", **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.mill_process"],
            cwd=ROOT,
            env={**os.environ, **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def address(self) -> str:
        assert self.process.stdout is not None
        word, _, address = self.process.stdout.readline().strip().partition(" ")
        assert word == "ready", self.process.communicate()[1]
        return address

    def open_gate(self) -> None:
        """Let the calls be answered."""
        self.process.send_signal(signal.SIGUSR1)

    def end(self) -> tuple[int, str]:
        """Wait for the end; the exit code and what was written to stderr."""
        _, errors = self.process.communicate(timeout=SECONDS_MAX)
        return self.process.returncode, errors

    def events(self, errors: str) -> list[str]:
        return [json.loads(line)["event"] for line in errors.splitlines() if line.startswith("{")]


@contextmanager
def a_mill(folder: Path, **settings: str) -> Iterator[Mill]:
    mill = Mill(folder, **settings)
    try:
        yield mill
    finally:
        mill.process.kill()
        mill.process.communicate()


@asynccontextmanager
async def a_call_under_way(address: str) -> AsyncIterator[tuple[grpc.aio.Channel, asyncio.Future[bytes]]]:
    async with grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        call = channel.unary_unary("/mill.Mill/Grind")(b"", timeout=SECONDS_MAX)
        # A second call on the same connection is answered after the first one was received.
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS_MAX)
        yield channel, asyncio.ensure_future(_answer(call))


async def _answer(call: grpc.aio.UnaryUnaryCall[bytes, bytes]) -> bytes:
    return await call


@pytest.mark.asyncio
async def test_a_drain_tells_health_finishes_what_is_under_way_and_exits_0(tmp_path: Path) -> None:
    with a_mill(tmp_path) as mill:
        async with a_call_under_way(mill.address()) as (channel, call):
            watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=SECONDS_MAX)
            states = aiter(watching)
            assert (await anext(states)).status == health_pb2.HealthCheckResponse.SERVING

            mill.process.send_signal(signal.SIGTERM)

            assert (await anext(states)).status == health_pb2.HealthCheckResponse.NOT_SERVING
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await anext(states)
            assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
            assert mill.process.poll() is None, "a call is still under way"
            mill.open_gate()
            assert await call == b"flour"
        code, errors = await asyncio.to_thread(mill.end)

    assert code == 0
    told = [event for event in mill.events(errors) if event != "call_refused"]
    assert told[-3:] == ["signal_received", "draining", "drained"]


@pytest.mark.asyncio
async def test_a_call_that_does_not_end_bounds_the_drain_no_further(tmp_path: Path) -> None:
    with a_mill(tmp_path, MILL_DRAIN_TIMEOUT_SECONDS="0.2") as mill:
        async with a_call_under_way(mill.address()) as (_, call):
            mill.process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError):
                await call
            code, _ = await asyncio.to_thread(mill.end)

    assert code == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_second_signal_is_the_end_at_once(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with a_mill(tmp_path, MILL_DRAIN_TIMEOUT_SECONDS="600") as mill:
        async with a_call_under_way(mill.address()) as (channel, call):
            watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=SECONDS_MAX)
            states = aiter(watching)
            await anext(states)
            mill.process.send_signal(signal.SIGTERM)
            await anext(states)

            mill.process.send_signal(number)

            with pytest.raises(grpc.aio.AioRpcError):
                await call
            assert (await asyncio.to_thread(mill.end))[0] == code


@pytest.mark.asyncio
async def test_a_failure_lets_its_caller_know_and_exits_1(tmp_path: Path) -> None:
    with a_mill(tmp_path, MILL_FAILS="true") as mill:
        async with a_call_under_way(mill.address()) as (_, call):
            mill.open_gate()
            assert await call == b"flour"
        code, errors = await asyncio.to_thread(mill.end)

    assert code == 1
    assert "process_failed" in mill.events(errors)
    assert "drained" not in mill.events(errors)


def test_a_second_process_on_the_same_database_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with a_mill(tmp_path) as first:
        first.address()
        with a_mill(tmp_path) as second:
            code, errors = second.end()

        assert code == 5
        assert f"in use by process {first.process.pid}" in errors
        assert "Traceback" not in errors
        assert first.process.poll() is None


def test_a_killed_process_leaves_nothing_that_keeps_the_next_one_out(tmp_path: Path) -> None:
    with a_mill(tmp_path) as first:
        first.address()
        first.process.kill()
        first.process.wait(SECONDS_MAX)

    with a_mill(tmp_path) as second:
        assert second.address()


def test_a_second_process_on_the_same_port_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with a_mill(tmp_path) as first:
        address = first.address()
        with a_mill(tmp_path / "other", MILL_LISTEN=address) as second:
            code, errors = second.end()

    assert code == 5
    assert f"cannot listen on {address}" in errors
    assert "Traceback" not in errors


def test_settings_that_cannot_be_used_are_refused_together(tmp_path: Path) -> None:
    with a_mill(tmp_path, MILL_LOG_LEVEL="LOUD", MILL_DRAIN_TIMEOUT_SECONDS="-1") as mill:
        code, errors = mill.end()

    assert code == 2
    assert "MILL_LOG_LEVEL" in errors
    assert "MILL_DRAIN_TIMEOUT_SECONDS" in errors
    assert "Traceback" not in errors


@pytest.mark.asyncio
@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_answers_under_both_of_its_names(tmp_path: Path, version: str) -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with a_mill(tmp_path) as mill:
        async with grpc.aio.insecure_channel(mill.address()) as channel:
            call = channel.stream_stream(
                f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
                response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
            )([request], timeout=SECONDS_MAX)
            answer = await anext(aiter(call))

    names = [service.name for service in answer.list_services_response.service]
    assert "grpc.health.v1.Health" in names


@pytest.mark.asyncio
async def test_health_of_a_service_that_is_not_there_is_NOT_FOUND(tmp_path: Path) -> None:
    with a_mill(tmp_path) as mill:
        async with grpc.aio.insecure_channel(mill.address()) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            named = await stub.Check(health_pb2.HealthCheckRequest(service="mill.Mill"), timeout=SECONDS_MAX)
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=SECONDS_MAX)

    assert named.status == health_pb2.HealthCheckResponse.SERVING
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND
