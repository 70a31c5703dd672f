"""The standard gRPC health service of a handler: SERVING until it drains."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeAlias

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVICE_NAME = "grpc.health.v1.Health"

_SERVING = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
_NOT_SERVING = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.NOT_SERVING)
_UNKNOWN = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
_Context: TypeAlias = "grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]"


class Health(health_pb2_grpc.HealthServicer):
    """Tells load balancers; watching calls end with the drain, so that they do not hold it up."""

    def __init__(self, service_names: Iterable[str]) -> None:
        self._names = frozenset(("", *service_names))
        self._draining = asyncio.Event()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve health on this server."""
        health_pb2_grpc.add_HealthServicer_to_server(self, server)

    def drain(self) -> None:
        """Nothing serves any more, for good."""
        self._draining.set()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: _Context) -> health_pb2.HealthCheckResponse:
        """The state now; NOT_FOUND for a service that is not here."""
        if request.service not in self._names:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"this handler does not serve {request.service[:100]!r}")
        return self._state_of(request.service)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The state now, and once more when it changes."""
        yield self._state_of(request.service)
        await self._draining.wait()
        if request.service in self._names:
            yield self._state_of(request.service)

    def _state_of(self, service: str) -> health_pb2.HealthCheckResponse:
        if service not in self._names:
            return _UNKNOWN
        return _NOT_SERVING if self._draining.is_set() else _SERVING
