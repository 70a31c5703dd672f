"""What a call to a handler comes to, over real gRPC (rule D1: what costs an attempt is decided by these answers)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from millrace.handler.v1 import handler_service_pb2, handler_service_pb2_grpc
from millrace.stream.v1 import record_pb2

from mapping_service.core.answer import Answered, CallFailed, InBandError
from mapping_service.core.batch import Batch
from mapping_service.core.handler import Handler
from mapping_service.core.page import Page
from mapping_service.core.ports import Call
from mapping_service.pollers import connection, handler_client
from tests.support.records import a_batch

pytestmark = pytest.mark.asyncio
MIB = 1024 * 1024

Behaviour = Callable[[Any, Any], Awaitable[Any]]


class Program(handler_service_pb2_grpc.HandlerServiceServicer):
    """A handler that does what a test says, on a port that it keeps."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.behaviour: Behaviour = _answer()
        self.port = 0
        self.server: grpc.aio.Server | None = None

    async def Invoke(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        return await self.behaviour(request, context)

    async def start(self, message_bytes_max: int = 16 * MIB) -> None:
        options = [("grpc.max_receive_message_length", message_bytes_max), ("grpc.so_reuseport", 0)]
        self.server = grpc.aio.server(options=options)
        handler_service_pb2_grpc.add_HandlerServiceServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self.server.start()

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop(None)
            self.server = None

    def handler(self, timeout_seconds: float = 10.0) -> Handler:
        endpoint = f"127.0.0.1:{self.port}"
        return Handler(handler_name="bill", endpoint=endpoint, timeout_seconds=timeout_seconds, create_millis=0)


def _answer(**fields: Any) -> Behaviour:
    async def behave(request: Any, context: Any) -> Any:
        return handler_service_pb2.InvokeResponse(**fields)

    return behave


def _abort(code: grpc.StatusCode, *, retry_seconds: float | None = None) -> Behaviour:
    async def behave(request: Any, context: Any) -> Any:
        status = status_pb2.Status(code=code.value[0], message="no")
        if retry_seconds is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromMilliseconds(round(retry_seconds * 1000))
            status.details.add().Pack(retry)
        await context.abort_with_status(rpc_status.to_status(status))

    return behave


@pytest_asyncio.fixture
async def program() -> AsyncIterator[Program]:
    """A handler that is up."""
    made = Program()
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[handler_client.GrpcHandlerClient]:
    """A client of handlers."""
    made = handler_client.GrpcHandlerClient()
    yield made
    await made.close()


def call_of(batch: Batch) -> Call:
    return Call(
        batch=batch,
        invocation_id="i",
        attempt=2,
        mapping_id="m",
        event_source="streams/orders",
        shard_id="shardId-000000000000",
        epoch=7,
    )


def encoded(*data: bytes) -> Batch:
    records = [record_pb2.Record(sequence_number="1", partition_key="k", data=each) for each in data]
    payload, ends = b"", []
    for record in records:
        payload += handler_service_pb2.InvokeRequest(records=[record]).SerializeToString()
        ends.append(len(payload))
    numbers = range(1, len(records) + 1)
    return Batch((Page(payload=payload, ends=ends, numbers=numbers, sizes=[len(each) for each in data]).whole(),))


async def test_the_records_arrive_as_they_were_with_all_about_the_call(
    program: Program, client: handler_client.GrpcHandlerClient
) -> None:
    answer = await client.invoke(program.handler(), call_of(encoded(b"one", b"two")))

    assert answer == Answered()
    (request,) = program.requests
    assert [record.data for record in request.records] == [b"one", b"two"]
    assert (request.invocation_id, request.mapping_id, request.event_source) == ("i", "m", "streams/orders")
    assert (request.shard_id, request.attempt, request.epoch) == ("shardId-000000000000", 2, 7)


async def test_failures_and_errors_in_band_are_told(program: Program, client: handler_client.GrpcHandlerClient) -> None:
    pb = handler_service_pb2
    program.behaviour = _answer(
        batch_item_failures=[pb.BatchItemFailure(sequence_number="5")],
        error=pb.HandlerError(type="ValueError", message="x" * 5_000, retryable=False),
    )

    answer = await client.invoke(program.handler(), call_of(encoded(b"a")))

    error = InBandError(type="ValueError", message="x" * 1_024, retryable=False)
    assert answer == Answered(failures=("5",), error=error)


async def test_d1_a_handler_that_is_not_there_could_not_be_called(client: handler_client.GrpcHandlerClient) -> None:
    program = Program()
    await program.start()
    await program.stop()

    answer = await client.invoke(program.handler(), call_of(encoded(b"a")))

    assert isinstance(answer, CallFailed)
    assert (answer.code, answer.began_ready) == ("UNAVAILABLE", False)
    assert answer.message == f"cannot connect to handler bill at {program.handler().endpoint}"


async def test_d1_a_peer_that_accepts_and_stays_silent_is_not_connected(
    client: handler_client.GrpcHandlerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        handler = Handler(handler_name="bill", endpoint=endpoint, timeout_seconds=60, create_millis=0)
        answer = await client.invoke(handler, call_of(encoded(b"a")))

    assert isinstance(answer, CallFailed)
    assert (answer.code, answer.began_ready) == ("UNAVAILABLE", False)


async def test_d1_a_handler_that_comes_back_is_called_again(
    program: Program, client: handler_client.GrpcHandlerClient
) -> None:
    call = call_of(encoded(b"a"))
    assert await client.invoke(program.handler(), call) == Answered()
    await program.stop()
    while not isinstance(await client.invoke(program.handler(), call), CallFailed):
        pass
    await program.start()
    while await client.invoke(program.handler(), call) != Answered():
        pass


@pytest.mark.parametrize("code", [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE])
async def test_d1_a_wish_to_be_asked_later_is_told(
    program: Program, client: handler_client.GrpcHandlerClient, code: grpc.StatusCode
) -> None:
    program.behaviour = _abort(code, retry_seconds=2.5)
    answer = await client.invoke(program.handler(), call_of(encoded(b"a")))
    assert answer == CallFailed(code=code.name, message="no", began_ready=True, retry_after_seconds=2.5)

    program.behaviour = _abort(code)
    answer = await client.invoke(program.handler(), call_of(encoded(b"a")))
    assert answer == CallFailed(code=code.name, message="no", began_ready=True, retry_after_seconds=None)


async def test_d1_a_handler_that_takes_too_long_is_cut_off(
    program: Program, client: handler_client.GrpcHandlerClient
) -> None:
    cancelled = asyncio.Event()

    async def never(request: Any, context: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    program.behaviour = never
    answer = await client.invoke(program.handler(timeout_seconds=0.2), call_of(encoded(b"a")))

    assert isinstance(answer, CallFailed)
    assert (answer.code, answer.began_ready) == ("DEADLINE_EXCEEDED", True)
    await cancelled.wait()


async def test_d1_a_connection_that_breaks_began_ready(
    program: Program, client: handler_client.GrpcHandlerClient
) -> None:
    async def die(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    program.behaviour = die
    answer = await client.invoke(program.handler(), call_of(encoded(b"a")))

    assert answer == CallFailed(code="UNAVAILABLE", message="Socket closed", began_ready=True)


async def test_d1_a_handler_with_too_small_a_message_limit_answers_resource_exhausted(
    client: handler_client.GrpcHandlerClient,
) -> None:
    program = Program()
    await program.start(message_bytes_max=1 * MIB)

    answer = await client.invoke(program.handler(), call_of(encoded(b"x" * (2 * MIB))))

    assert isinstance(answer, CallFailed)
    assert (answer.code, answer.retry_after_seconds) == ("RESOURCE_EXHAUSTED", None)
    await program.stop()


async def test_d3_the_largest_record_passes(program: Program, client: handler_client.GrpcHandlerClient) -> None:
    assert await client.invoke(program.handler(), call_of(encoded(b"x" * (11 * MIB)))) == Answered()


@pytest.mark.parametrize(
    ("answered", "code", "probed_code"),
    [(b"\xff\xff", "INTERNAL", "INTERNAL"), (b"\x12\x03abc" * (16 * MIB // 5), "OK", "RESOURCE_EXHAUSTED")],
    ids=["nonsense", "just below the limit of a message"],
)
async def test_a_program_that_answers_what_cannot_be_used_or_shown(
    client: handler_client.GrpcHandlerClient, answered: bytes, code: str, probed_code: str
) -> None:
    async def nonsense(request: bytes, context: Any) -> bytes:
        return answered

    server = grpc.aio.server(options=[("grpc.max_send_message_length", 16 * MIB)])
    method = grpc.unary_unary_rpc_method_handler(nonsense)
    service = grpc.method_handlers_generic_handler("millrace.handler.v1.HandlerService", {"Invoke": method})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    handler = Handler(handler_name="bill", endpoint=f"127.0.0.1:{port}", create_millis=0)

    answer = await client.invoke(handler, call_of(a_batch([1])))
    probed = await client.probe(handler, b"")

    assert (answer.code if isinstance(answer, CallFailed) else "OK") == code
    assert (probed.status_code, probed.response) == (probed_code, None)
    await server.stop(None)


async def test_a_forgotten_endpoint_is_closed_after_the_call_under_way(
    program: Program, client: handler_client.GrpcHandlerClient
) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def wait(request: Any, context: Any) -> Any:
        entered.set()
        await gate.wait()
        return handler_service_pb2.InvokeResponse()

    program.behaviour = wait
    call = asyncio.create_task(client.invoke(program.handler(), call_of(encoded(b"a"))))
    await entered.wait()
    await client.forget(program.handler().endpoint)
    gate.set()

    assert await call == Answered()


async def test_a_test_call_shows_the_status_or_the_answer(
    program: Program, client: handler_client.GrpcHandlerClient
) -> None:
    probed = await client.probe(program.handler(), b"")
    assert (probed.status_code, probed.response) == ("OK", b"")

    program.behaviour = _abort(grpc.StatusCode.NOT_FOUND)
    probed = await client.probe(program.handler(), b"")
    assert (probed.status_code, probed.status_message, probed.response) == ("NOT_FOUND", "no", None)

    await program.stop()
    while (await client.probe(program.handler(), b"")).response is not None:
        pass
    assert (await client.probe(program.handler(), b"")).status_code == "UNAVAILABLE"
