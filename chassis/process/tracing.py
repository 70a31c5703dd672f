"""Traces by OpenTelemetry, an extra: spans of calls and of deliveries. The one place that knows it.

It is told what to do by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_ENDPOINT says where spans go,
OTEL_SERVICE_NAME who we are, OTEL_TRACES_SAMPLER which to keep. Where it is not asked for, nothing of it is imported.
"""

import asyncio
import contextlib
import importlib.util
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import structlog

from chassis.errors import DomainError, StartRefused

_log = structlog.get_logger(__name__)

Wish = Literal["auto", "on", "off"]

INSTALL = "pip install 'millrace[otel]'"
STOP_SECONDS_MAX = 2.0
"""How long an end waits for the last spans to be sent: a collector that is away must not hold it up."""

LINKS_MAX = 128
"""Contexts of records that a delivery's span is linked to; OpenTelemetry keeps no more."""

TRACE_PARENT = "traceparent"
TRACE_STATE = "tracestate"

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.grpc.trace_exporter")

Carrier = Mapping[str, str]
"""What carries a context: the attributes of a record, the metadata of a call."""


class TracingRefused(StartRefused):
    """Traces were asked for and cannot be had."""

    exit_code: ClassVar[int] = 2


def start(wish: Wish, *, service_name: str, environment: Mapping[str, str] = os.environ) -> "Tracing | None":
    """What makes spans; None when there are to be none.

    `auto` makes them where the extra is installed and an endpoint is said; `on` always. Raises TracingRefused.
    """
    problem = _problem(environment)
    is_asked_for = any(environment.get(name) for name in _ENDPOINTS)
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    is_off |= environment.get("OTEL_TRACES_EXPORTER", "otlp") == "none"
    if wish == "off" or is_off or (wish == "auto" and not is_asked_for):
        return None
    if problem and wish == "on":
        raise TracingRefused(f"tracing is on, but {problem}")
    if problem:
        _log.warning("tracing_off", reason=problem)
        return None
    return Tracing(_provider(service_name, environment))


class Tracing:
    """Makes spans. Used on the event loop."""

    def __init__(self, provider: Any) -> None:
        """Take OpenTelemetry's TracerProvider."""
        from opentelemetry import trace
        from opentelemetry.trace.propagation import tracecontext

        self._provider = provider
        self._tracer = provider.get_tracer("millrace")
        self._trace = trace
        self._propagator = tracecontext.TraceContextTextMapPropagator()

    def is_traced(self, method: str) -> bool:
        """Whether calls of this method get a span: those of health and reflection would tell nothing."""
        return not method.startswith("/grpc.")

    @contextlib.contextmanager
    def serve(self, method: str, metadata: Iterable[tuple[str, Any]]) -> Iterator[None]:
        """The span of a call that we answer, in the caller's trace if its metadata names one."""
        carrier = {key: value for key, value in metadata if isinstance(value, str)}
        span = self._tracer.start_span(
            method.removeprefix("/"),
            context=self._propagator.extract(carrier),
            kind=self._trace.SpanKind.SERVER,
            attributes={"rpc.system.name": "grpc", "rpc.method": method.removeprefix("/")},
        )
        try:
            yield
        except DomainError as error:
            self._fail(span, error.code)
            raise
        except Exception:
            self._fail(span, "INTERNAL")
            raise
        else:
            span.set_attribute("rpc.response.status_code", "OK")
        finally:
            span.end()

    @contextlib.contextmanager
    def deliver(self, name: str, carriers: Sequence[Carrier], attributes: Mapping[str, Any]) -> Iterator["Delivery"]:
        """The span of a batch's delivery, linked to the contexts of its records.

        Where all its records that carry a context carry the same, that is its parent too. The metadata of the call go
        with it.
        """
        contexts = self._contexts(carriers)
        span = self._tracer.start_span(
            name,
            context=contexts[0] if len(contexts) == 1 else None,
            kind=self._trace.SpanKind.CLIENT,
            attributes={"rpc.system.name": "grpc", "rpc.method": name, **attributes},
            links=[self._trace.Link(self._trace.get_current_span(each).get_span_context()) for each in contexts],
        )
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, context=self._trace.set_span_in_context(span))
        delivery = Delivery(tuple(carrier.items()))
        try:
            yield delivery
        finally:
            if delivery.code == "OK":
                span.set_attribute("rpc.response.status_code", "OK")
            else:
                self._fail(span, delivery.code)
            span.end()

    async def stop(self) -> None:
        """Send the last spans, if that is quick."""
        loop = asyncio.get_running_loop()
        sent = asyncio.Event()

        def send() -> None:
            self._provider.shutdown()
            # The loop may be gone by now: nobody waits any more then.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(sent.set)

        # A thread of its own, as the end of the process would wait for one of the loop's.
        threading.Thread(target=send, name="last spans", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(sent.wait(), STOP_SECONDS_MAX)

    def _contexts(self, carriers: Sequence[Carrier]) -> list[Any]:
        """The distinct valid contexts, in order."""
        found: dict[tuple[int, int], Any] = {}
        for carrier in carriers:
            context = self._propagator.extract(carrier)
            span_context = self._trace.get_current_span(context).get_span_context()
            if span_context.is_valid and len(found) < LINKS_MAX:
                found.setdefault((span_context.trace_id, span_context.span_id), context)
        return list(found.values())

    def _fail(self, span: Any, code: str) -> None:
        span.set_attribute("rpc.response.status_code", code)
        span.set_status(self._trace.StatusCode.ERROR)


class Delivery:
    """A delivery under way."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self.metadata = metadata
        """For the call: the context of its span."""
        self.code = "CANCELLED"
        """How it ended; set it when that is known."""


def _problem(environment: Mapping[str, str]) -> str:
    """Why spans cannot be made as it was asked; empty when they can."""
    if not all(_is_installed(name) for name in _NEEDED):
        return f"OpenTelemetry is not installed: {INSTALL}"
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), "grpc")
    if protocol != "grpc":
        return f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}; grpc is what is served"
    exporter = environment.get("OTEL_TRACES_EXPORTER") or "otlp"
    return "" if exporter in ("otlp", "none") else f"OTEL_TRACES_EXPORTER is {exporter}; it can be otlp or none"


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


def _provider(service_name: str, environment: Mapping[str, str]) -> Any:
    from opentelemetry.exporter.otlp.proto.grpc import trace_exporter
    from opentelemetry.sdk import resources, trace
    from opentelemetry.sdk.trace import export

    is_named = "OTEL_SERVICE_NAME" in environment or "service.name=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = resources.Resource.create({} if is_named else {"service.name": service_name})
    provider = trace.TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(export.BatchSpanProcessor(trace_exporter.OTLPSpanExporter()))
    return provider
