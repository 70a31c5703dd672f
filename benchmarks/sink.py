"""A handler that does nothing, and counts what it was given."""

from __future__ import annotations

import json
import time

import grpc
from millrace.handler.v1 import handler_service_pb2

from benchmarks import wire

SERVICE = "millrace.bench.Sink"


class Sink:
    """Counts records; where a record's data is a time, keeps how long it took."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._records = 0
        self._first = self._last = 0.0
        self._latencies: list[float] = []

    async def invoke(
        self, request: handler_service_pb2.InvokeRequest, context: object
    ) -> handler_service_pb2.InvokeResponse:
        """Handle a batch: count it."""
        now = time.monotonic()
        self._first = self._first or now
        self._last = now
        self._records += len(request.records)
        if len(request.records) < 100:
            self._latencies += [now - float(record.data) for record in request.records if len(record.data) < 32]
        return handler_service_pb2.InvokeResponse()

    async def reset(self, request: bytes, context: object) -> bytes:
        """Forget everything."""
        self._reset()
        return b""

    async def stats(self, request: bytes, context: object) -> bytes:
        """Answer what was counted, as JSON."""
        seconds = self._last - self._first
        return json.dumps({"records": self._records, "seconds": seconds, "latencies": self._latencies}).encode()


def handler_service(sink: Sink) -> grpc.GenericRpcHandler:
    """The handler contract, with the generated messages as any handler has them."""
    method = grpc.unary_unary_rpc_method_handler(
        sink.invoke,
        request_deserializer=handler_service_pb2.InvokeRequest.FromString,
        response_serializer=handler_service_pb2.InvokeResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler("millrace.handler.v1.HandlerService", {"Invoke": method})


if __name__ == "__main__":
    counting = Sink()
    wire.run(SERVICE, {"Reset": counting.reset, "Stats": counting.stats}, handler_service(counting))
