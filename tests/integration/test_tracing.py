"""Traces, with OpenTelemetry's own exporter into memory: over real gRPC, from a record to the handler's call."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from millrace.handler.v1 import handler_service_pb2
from millrace.stream.v1 import record_pb2, stream_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from chassis import errors
from chassis.process import server, tracing
from mapping_service.core.answer import Answered, CallFailed
from mapping_service.core.batch import Batch
from mapping_service.core.handler import Handler
from mapping_service.core.page import Page
from mapping_service.core.ports import Call
from mapping_service.pollers.handler_client import GrpcHandlerClient
from tests.support import mill
from tests.support.clients import Clients

ROOT = Path(__file__).parents[2]
TRACES = [f"{number:032x}" for number in (7, 8)]
PARENTS = [f"00-{trace}-{number:016x}-01" for number, trace in enumerate(TRACES, start=1)]
INVOKE = "millrace.handler.v1.HandlerService/Invoke"


class Memory:
    """Spans that were made."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = tracing.Tracing(provider)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())


def about(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def trace_of(span: Any) -> str:
    return f"{span.context.trace_id:032x}"


@contextlib.asynccontextmanager
async def a_server(traces: tracing.Tracing | None, **methods: Any) -> AsyncIterator[grpc.aio.Channel]:
    built = server.build(traces=traces)
    for service in ("mill.Mill", "grpc.health.v1.Health", "millrace.handler.v1.HandlerService"):
        built.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    address = server.bind(built, "127.0.0.1:0")
    await built.start()
    async with grpc.aio.insecure_channel(address) as channel:
        yield channel
    await built.stop(None)


class Full(errors.DomainError):
    """The mill is full."""

    reason = "OVERLOADED"
    code = "RESOURCE_EXHAUSTED"


async def one(request: bytes, context: Any) -> bytes:
    if request == b"full":
        raise Full
    if request == b"bug":
        raise ValueError(request)
    return b"flour"


async def many(request: bytes, context: Any) -> AsyncIterator[bytes]:
    yield await one(b"", context)
    yield await one(request, context)


METHODS = {
    "One": grpc.unary_unary_rpc_method_handler(one),
    "Many": grpc.unary_stream_rpc_method_handler(many),
    "Check": grpc.unary_unary_rpc_method_handler(one),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("request_", "code"), [(b"", "OK"), (b"full", "RESOURCE_EXHAUSTED"), (b"bug", "INTERNAL")])
@pytest.mark.parametrize("method", ["One", "Many"])
async def test_a_call_is_a_span_in_its_callers_trace(method: str, request_: bytes, code: str) -> None:
    memory = Memory()
    async with a_server(memory.tracing, **METHODS) as channel:
        call = channel.unary_unary if method == "One" else channel.unary_stream
        with contextlib.suppress(grpc.aio.AioRpcError):
            running = call(f"/mill.Mill/{method}")(request_, timeout=10, metadata=(("traceparent", PARENTS[0]),))
            if method == "One":
                await running  # type: ignore[misc]  # one of two kinds
            else:
                assert [each async for each in running]  # type: ignore[union-attr]

    [span] = memory.spans
    assert (span.name, span.kind, trace_of(span)) == (f"mill.Mill/{method}", SpanKind.SERVER, TRACES[0])
    assert span.parent is not None
    assert span.parent.span_id == 1
    assert about(span)["rpc.response.status_code"] == code
    assert (span.status.status_code is StatusCode.ERROR) == (code != "OK")


@pytest.mark.asyncio
async def test_health_checks_make_no_spans_and_a_context_that_is_none_is_ignored() -> None:
    memory = Memory()
    async with a_server(memory.tracing, **METHODS) as channel:
        await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
        await channel.unary_unary("/mill.Mill/One")(b"", timeout=10, metadata=(("traceparent", "nonsense"),))

    [span] = memory.spans
    assert (span.name, span.parent) == ("mill.Mill/One", None)


def a_batch(*carried: Mapping[str, str]) -> Batch:
    payload, ends = b"", []
    for attributes in carried:
        record = record_pb2.Record(sequence_number="1", partition_key="k", data=b"x", attributes=attributes)
        payload += handler_service_pb2.InvokeRequest(records=[record]).SerializeToString()
        ends.append(len(payload))
    return Batch((Page(payload=payload, ends=ends, numbers=range(1, len(ends) + 1), sizes=[1] * len(ends)).whole(),))


async def deliver(batch: Batch, *, fails: bool = False) -> tuple[ReadableSpan, dict[str, str], Any]:
    """The span of a delivery, the metadata that the handler saw, and the answer."""
    seen: dict[str, str] = {}

    async def invoke(request: bytes, context: Any) -> bytes:
        seen.update(dict(context.invocation_metadata()))
        if fails:
            raise Full
        return b""

    memory = Memory()
    built = server.build()
    methods = {"Invoke": grpc.unary_unary_rpc_method_handler(invoke)}
    built.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("millrace.handler.v1.HandlerService", methods),)
    )
    address = server.bind(built, "127.0.0.1:0")
    await built.start()
    client = GrpcHandlerClient(memory.tracing)
    handler = Handler(handler_name="bill", endpoint=address, timeout_seconds=10, create_millis=0)
    call = Call(
        batch=batch,
        invocation_id="i-1",
        attempt=2,
        mapping_id="m-1",
        event_source="streams/orders",
        shard_id="shardId-000000000000",
        epoch=1,
    )
    answer = await client.invoke(handler, call)
    await client.close()
    await built.stop(None)
    [span] = memory.spans
    return span, seen, answer


@pytest.mark.asyncio
async def test_a_delivery_is_a_span_whose_context_goes_along_to_the_handler() -> None:
    span, seen, answer = await deliver(a_batch({}, {"note": "traceparent"}))

    assert answer == Answered()
    assert (span.name, span.kind, span.parent, list(span.links)) == (INVOKE, SpanKind.CLIENT, None, [])
    assert seen["traceparent"].startswith(f"00-{trace_of(span)}-{span.context.span_id:016x}-")
    told = about(span)
    assert (told["millrace.mapping_id"], told["millrace.attempt"], told["messaging.batch.message_count"]) == (
        "m-1",
        2,
        2,
    )
    assert told["rpc.response.status_code"] == "OK"
    assert "k" not in told.values(), "no partition key"


@pytest.mark.asyncio
async def test_records_of_one_trace_are_its_parent_and_of_several_its_links() -> None:
    same, seen, _ = await deliver(
        a_batch({"traceparent": PARENTS[0], "tracestate": "a=b"}, {"traceparent": PARENTS[0]})
    )
    several, _, _ = await deliver(
        a_batch({"traceparent": PARENTS[0]}, {"traceparent": PARENTS[1]}, {"traceparent": "no"})
    )

    assert trace_of(same) == TRACES[0]
    assert len(same.links) == 1
    assert seen["tracestate"] == "a=b"
    assert several.parent is None
    assert [trace_of(link) for link in several.links] == TRACES


@pytest.mark.asyncio
async def test_a_delivery_that_fails_is_an_error_in_its_span() -> None:
    span, _, answer = await deliver(a_batch({}), fails=True)

    assert isinstance(answer, CallFailed)
    assert about(span)["rpc.response.status_code"] == "RESOURCE_EXHAUSTED"
    assert span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    ("wish", "environment"),
    [
        ("auto", {}),
        ("off", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}),
        ("on", {"OTEL_SDK_DISABLED": "true"}),
        ("auto", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}),
        ("auto", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}),
    ],
)
def test_there_are_no_traces_where_they_are_not_asked_for(wish: tracing.Wish, environment: dict[str, str]) -> None:
    assert tracing.start(wish, service_name="mill", environment=environment) is None


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_TRACES_EXPORTER"])
def test_what_cannot_be_had_is_refused_by_name(variable: str) -> None:
    with pytest.raises(tracing.TracingRefused, match=f"{variable} is console"):
        tracing.start("on", service_name="mill", environment={variable: "console"})


@pytest.mark.asyncio
async def test_a_collector_that_is_away_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "STOP_SECONDS_MAX", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    made = tracing.start("auto", service_name="mill")
    assert made is not None
    with made.serve("/mill.Mill/One", ()):
        pass
    begun = time.monotonic()
    await made.stop()

    assert time.monotonic() - begun < 5


class Collector:
    """Takes spans as a real collector would."""

    def __init__(self) -> None:
        self.spans: dict[str, tuple[str, str]] = {}
        """Trace id and service name of each span, by the span's name."""

    async def export(self, request: bytes, context: Any) -> bytes:
        told = trace_service_pb2.ExportTraceServiceRequest.FromString(request)
        for resource in told.resource_spans:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.spans[span.name] = (span.trace_id.hex(), names["service.name"])
        return b""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        built = grpc.aio.server()
        methods = {"Export": grpc.unary_unary_rpc_method_handler(self.export)}
        name = "opentelemetry.proto.collector.trace.v1.TraceService"
        built.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))
        port = built.add_insecure_port("127.0.0.1:0")
        await built.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await built.stop(None)


@pytest.mark.asyncio
async def test_a_record_can_be_followed_from_its_producer_to_its_handler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Collector()
    async with collector.running() as endpoint:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        async with mill.running(tmp_path) as running:
            async with Clients(running.stream.address, running.mapping.address) as clients:
                await clients.create_stream("orders")
                await clients.register("recorder", running.handler.address)
                await clients.map("orders", "recorder")
                request = stream_service_pb2.PutRecordsRequest(stream_name="orders")
                entry = request.records.add(partition_key="k", data=b"1")
                entry.attributes["traceparent"] = PARENTS[0]
                await clients.stream.PutRecords(request, timeout=20, metadata=(("traceparent", PARENTS[0]),))
                await mill.until(lambda: "1" in running.history.refresh().delivered, "the record")
                codes = [await asyncio.to_thread(each.stop) for each in (running.mapping, running.stream)]

    assert codes == [0, 0]
    assert collector.spans["millrace.stream.v1.StreamService/PutRecords"] == (TRACES[0], "millrace-stream-service")
    assert collector.spans[INVOKE] == (TRACES[0], "millrace-mapping-service")


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    hidden = "import sys; sys.modules['opentelemetry'] = None\n"
    return subprocess.run(
        [sys.executable, "-c", hidden + code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("service", ["stream", "mapping"])
def test_without_the_extra_a_service_that_asks_for_it_is_refused_and_told_what_to_install(
    service: str, tmp_path: Path
) -> None:
    name = service.upper()
    done = _run(
        f"import runpy; runpy.run_module('{service}_service', run_name='__main__')",
        **{
            f"MILLRACE_{name}_TRACING": "on",
            f"MILLRACE_{name}_LISTEN": "127.0.0.1:0",
            f"MILLRACE_{name}_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
        },
    )

    assert done.returncode == 2
    assert "pip install 'millrace[otel]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_nothing_of_it_is_imported_where_it_is_not_asked_for() -> None:
    done = _run("import stream_service.app, mapping_service.app, chassis.process.tracing; print('fine')")

    assert done.stdout == "fine\n"
