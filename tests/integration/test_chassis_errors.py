import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest
import structlog
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # it ships no types

from chassis import errors
from chassis.metrics import Distribution
from chassis.process import addresses, call_metrics, error_interceptor, limits, server

CANARY = "record-data-of-a-customer"


class MillStopped(errors.DomainError):
    """The mill stands still."""

    reason = "MILL_STOPPED"
    code = "FAILED_PRECONDITION"


def a_refusal() -> MillStopped:
    return MillStopped(
        "mill 7 stands still",
        metadata={"mill": "7"},
        violations=[errors.FieldViolation("mill", "must turn")],
        retry_after=timedelta(milliseconds=1500),
        resource=("mill", "7"),
    )


def the_error(name: bytes) -> BaseException:
    return {
        b"refusal": a_refusal(),
        b"unforeseen": ValueError(CANARY),
        b"long": errors.InvalidArgument(*[errors.FieldViolation(f"records[{n}]", "é" * 900) for n in range(500)]),
    }[name]


class Waiting:
    """A call that waits until it is cancelled; both moments can be awaited."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def answer(self, request: bytes, context: Any) -> bytes:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return b""


async def answer(request: bytes, context: Any) -> bytes:
    if request == b"abort":
        await context.abort(grpc.StatusCode.ABORTED, "by hand")
    if request != b"fine":
        raise the_error(request)
    return b"fine"


async def answers(request: bytes, context: Any) -> AsyncIterator[bytes]:
    yield b"first"
    yield await answer(request, context)


async def answer_all(requests: AsyncIterator[bytes], context: Any) -> bytes:
    return b"+".join([await answer(request, context) async for request in requests])


async def answers_each(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield await answer(request, context)


async def answers_written(request: bytes, context: Any) -> None:
    await context.write(b"first")
    await context.write(await answer(request, context))


@asynccontextmanager
async def a_server(waiting: Waiting | None = None, meter: call_metrics.CallMeter | None = None) -> AsyncIterator[str]:
    built = server.build(meter)
    methods: dict[str, Any] = {
        "Waiting": grpc.unary_unary_rpc_method_handler((waiting or Waiting()).answer),
        "UnaryUnary": grpc.unary_unary_rpc_method_handler(answer),
        "UnaryStream": grpc.unary_stream_rpc_method_handler(answers),
        "StreamUnary": grpc.stream_unary_rpc_method_handler(answer_all),
        "StreamStream": grpc.stream_stream_rpc_method_handler(answers_each),
        "Written": grpc.unary_stream_rpc_method_handler(answers_written),
    }
    built.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("mill.Mill", methods),))
    address = server.bind(built, "127.0.0.1:0")
    await built.start()
    try:
        yield address
    finally:
        await built.stop(None)


@asynccontextmanager
async def a_channel() -> AsyncIterator[grpc.aio.Channel]:
    async with a_server() as address, grpc.aio.insecure_channel(address, options=limits.client_options()) as channel:
        yield channel


async def call(channel: grpc.aio.Channel, kind: str, request: bytes, metadata: Any = None) -> Any:
    """Everything a call of this kind answers; raises as the call does."""

    async def requests() -> AsyncIterator[bytes]:
        yield request

    match kind:
        case "UnaryUnary":
            return await channel.unary_unary("/mill.Mill/UnaryUnary")(request, timeout=10, metadata=metadata)
        case "StreamUnary":
            return await channel.stream_unary("/mill.Mill/StreamUnary")(requests(), timeout=10, metadata=metadata)
        case "StreamStream":
            streams = channel.stream_stream("/mill.Mill/StreamStream")(requests(), timeout=10, metadata=metadata)
            return [message async for message in streams]
        case _:
            stream = channel.unary_stream(f"/mill.Mill/{kind}")(request, timeout=10, metadata=metadata)
            return [message async for message in stream]


KINDS = ["UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream", "Written"]


async def refused(kind: str, request: bytes, metadata: Any = None) -> tuple[grpc.aio.AioRpcError, status_pb2.Status]:
    async with a_channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call(channel, kind, request, metadata)
    return failed.value, rpc_status.from_call(failed.value)


def details_of(status: status_pb2.Status, kind: Any) -> list[Any]:
    found = []
    for detail in status.details:
        if detail.Is(kind.DESCRIPTOR):
            message = kind()
            detail.Unpack(message)
            found.append(message)
    return found


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_succeeds_answers_as_without_the_interceptor(kind: str) -> None:
    async with a_channel() as channel:
        result = await call(channel, kind, b"fine")
        again = await call(channel, kind, b"fine")

    assert result == again
    assert result == (
        b"fine" if kind.endswith("Unary") else [b"fine"] if kind == "StreamStream" else [b"first", b"fine"]
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_arrives_with_one_ErrorInfo_and_its_details(kind: str) -> None:
    error, status = await refused(kind, b"refusal", (("x-request-id", "r-1"),))

    assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "mill 7 stands still")
    (info,) = details_of(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == ("MILL_STOPPED", "millrace", {"mill": "7"})
    (bad,) = details_of(status, error_details_pb2.BadRequest)
    assert [(violation.field, violation.description) for violation in bad.field_violations] == [("mill", "must turn")]
    (retry,) = details_of(status, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 1500
    (resource,) = details_of(status, error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("mill", "7")
    (request,) = details_of(status, error_details_pb2.RequestInfo)
    assert request.request_id == "r-1"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_an_unforeseen_error_says_nothing_but_where_to_look(kind: str, logged: list[Any]) -> None:
    error, status = await refused(kind, b"unforeseen")

    assert error.code() is grpc.StatusCode.INTERNAL
    assert CANARY not in str(error)
    (info,) = details_of(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("INTERNAL", "millrace")
    (request,) = details_of(status, error_details_pb2.RequestInfo)
    (line,) = [line for line in logged if line["event"] == "call_failed"]
    assert line["request_id"] == request.request_id
    assert line["error"] == "ValueError"
    assert "test_chassis_errors.py" in json.dumps(line["at"])
    assert CANARY not in json.dumps(line)


@pytest.mark.asyncio
async def test_a_cancellation_reaches_the_method_and_is_not_an_error_of_ours(logged: list[Any]) -> None:
    waiting = Waiting()
    async with a_server(waiting) as address, grpc.aio.insecure_channel(address) as channel:
        running = channel.unary_unary("/mill.Mill/Waiting")(b"")
        await waiting.begun.wait()
        running.cancel()
        await asyncio.wait_for(waiting.cancelled.wait(), 10)

    assert [line for line in logged if line["event"] == "call_failed"] == []


def ended(meter: call_metrics.CallMeter) -> dict[tuple[str, ...], int]:
    """How many calls ended, by method and code."""
    found = next(family for family in meter.families() if family.metric is call_metrics.CALL_SECONDS)
    assert all(isinstance(sample.value, Distribution) for sample in found.samples)
    return {sample.labels: sum(sample.value.counts) for sample in found.samples}  # type: ignore[union-attr]


def active(meter: call_metrics.CallMeter) -> dict[tuple[str, ...], Any]:
    """How many calls are under way, by method."""
    found = next(family for family in meter.families() if family.metric is call_metrics.CALLS_ACTIVE)
    return {sample.labels: sample.value for sample in found.samples}


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_calls_are_counted_by_method_and_code_when_they_have_ended(kind: str) -> None:
    meter = call_metrics.CallMeter()
    async with a_server(meter=meter) as address, grpc.aio.insecure_channel(address) as channel:
        await call(channel, kind, b"fine")
        for request in (b"fine", b"refusal", b"unforeseen", b"abort"):
            with contextlib.suppress(grpc.aio.AioRpcError):
                await call(channel, kind, request)
        with contextlib.suppress(grpc.aio.AioRpcError):
            await call(channel, "Nothing", b"")

    method = f"mill.Mill/{kind}"
    assert ended(meter) == {
        (method, "OK"): 2,
        (method, "FAILED_PRECONDITION"): 1,
        (method, "INTERNAL"): 1,
        (method, "ABORTED"): 1,
    }
    assert active(meter) == {(method,): 0}


@pytest.mark.asyncio
async def test_a_call_is_active_until_it_is_given_up_and_counts_as_what_ended_it() -> None:
    meter, waiting = call_metrics.CallMeter(), Waiting()
    method = "mill.Mill/Waiting"
    async with a_server(waiting, meter) as address, grpc.aio.insecure_channel(address) as channel:
        running = channel.unary_unary(f"/{method}")(b"")
        await waiting.begun.wait()
        during = active(meter)
        running.cancel()
        await asyncio.wait_for(waiting.cancelled.wait(), 10)
        waiting.cancelled.clear()
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary(f"/{method}")(b"", timeout=0.2)
        await asyncio.wait_for(waiting.cancelled.wait(), 10)

    assert during == {(method,): 1}
    assert active(meter) == {(method,): 0}
    assert ended(meter) == {(method, "CANCELLED"): 1, (method, "DEADLINE_EXCEEDED"): 1}


@pytest.mark.asyncio
@pytest.mark.parametrize("given", ["r-1", "a/b:c.d_e=f+g@h-" + "i" * 112])
async def test_a_refusal_has_one_line_in_the_log_under_the_callers_request_id(given: str, logged: list[Any]) -> None:
    _, status = await refused("UnaryUnary", b"refusal", (("x-request-id", given),))

    (request,) = details_of(status, error_details_pb2.RequestInfo)
    (line,) = [line for line in logged if line["event"] == "call_refused"]
    assert (line["request_id"], request.request_id) == (given, given)
    assert (line["method"], line["reason"], line["code"]) == (
        "/mill.Mill/UnaryUnary",
        "MILL_STOPPED",
        "FAILED_PRECONDITION",
    )
    assert line["log_level"] == "info"
    assert "stands still" not in json.dumps(line)


@pytest.mark.asyncio
@pytest.mark.parametrize("given", ["", "a b", 'a"b', "<script>", "i" * 129, "a{b}"])
async def test_a_request_id_that_is_not_sane_is_replaced(given: str) -> None:
    _, status = await refused("UnaryUnary", b"refusal", (("x-request-id", given),))

    (request,) = details_of(status, error_details_pb2.RequestInfo)
    assert len(request.request_id) == 32
    assert request.request_id != given


@pytest.mark.asyncio
async def test_refusals_in_a_loop_do_not_fill_the_log(logged: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_interceptor, "REFUSALS_LOGGED_A_SECOND", 1)
    meter = call_metrics.CallMeter()
    async with a_server(meter=meter) as address, grpc.aio.insecure_channel(address) as channel:
        begun = time.monotonic()
        for _ in range(30):
            with pytest.raises(grpc.aio.AioRpcError):
                await call(channel, "UnaryUnary", b"refusal")
        seconds = int(time.monotonic()) - int(begun) + 1

    lines = [line for line in logged if line["event"] == "call_refused"]
    assert 1 <= len(lines) <= seconds
    assert len(lines) + meter.refusals_unlogged == 30


@pytest.mark.asyncio
async def test_an_abort_keeps_its_own_status() -> None:
    async with a_channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call(channel, "UnaryUnary", b"abort")

    assert (failed.value.code(), failed.value.details()) == (grpc.StatusCode.ABORTED, "by hand")


@pytest.mark.asyncio
async def test_a_method_that_is_not_there_is_UNIMPLEMENTED() -> None:
    async with a_channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call(channel, "Nothing", b"fine")

    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.asyncio
async def test_a_refusal_of_hundreds_of_fields_fits_the_metadata_of_a_call() -> None:
    error, status = await refused("UnaryUnary", b"long")

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    (bad,) = details_of(status, error_details_pb2.BadRequest)
    assert bad.field_violations[0].field == "records[0]"


@pytest.mark.asyncio
async def test_a_message_up_to_the_limit_passes_and_a_larger_one_is_refused() -> None:
    async with a_channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await call(channel, "UnaryUnary", b"x" * (limits.MESSAGE_BYTES_MAX - 1_000))
        with pytest.raises(grpc.aio.AioRpcError) as too_large:
            await call(channel, "UnaryUnary", b"x" * (limits.MESSAGE_BYTES_MAX + 1))

    assert unknown.value.code() is grpc.StatusCode.INTERNAL, "it reached the method, which has no such error"
    assert too_large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.asyncio
async def test_a_compressed_message_is_refused() -> None:
    gzip = grpc.Compression.Gzip
    async with a_server() as address, grpc.aio.insecure_channel(address, compression=gzip) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call(channel, "UnaryUnary", b"fine" * 1000)

    assert failed.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL)
    assert "ompress" in (failed.value.details() or "")


@pytest.mark.asyncio
async def test_a_second_server_on_the_same_port_is_refused_plainly() -> None:
    first, second = server.build(), server.build()
    address = server.bind(first, "127.0.0.1:0")

    with pytest.raises(addresses.AddressRefused, match=f"cannot listen on {address}") as failed:
        server.bind(second, address)

    assert failed.value.exit_code == 5
    await first.stop(None)
    await second.stop(None)


@pytest.mark.asyncio
@pytest.mark.parametrize("listen", ["", "7410", ":7410", "localhost:", "localhost:http", "localhost:99999"])
async def test_an_address_that_is_none_is_refused_with_an_example(listen: str) -> None:
    built = server.build()

    with pytest.raises(addresses.AddressRefused, match=r"an example: 127\.0\.0\.1:7410"):
        server.bind(built, listen)
    await built.stop(None)
