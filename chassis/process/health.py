"""The standard gRPC health service: NOT_SERVING until the service is ready, and again while it drains."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.errors import DomainError, Unavailable

SERVICE_NAME = "grpc.health.v1.Health"

TELL_SECONDS = 0.5
"""Between the last state and the end of a watch: a client that reads the end first drops the state."""

_MESSAGES: Any = health_pb2
"""Newer than its types, which do not know List."""

_SERVING = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
_NOT_SERVING = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.NOT_SERVING)
_UNKNOWN = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
_Context: TypeAlias = "grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]"


class UnknownService(DomainError):
    """This server has no service of that name."""

    reason = "INVALID_ARGUMENT"
    code = "NOT_FOUND"


class Health(health_pb2_grpc.HealthServicer):
    """The state of this process for load balancers: for "" and for each service by its full name."""

    def __init__(self, service_names: Iterable[str]) -> None:
        self._states = dict.fromkeys(("", *service_names), _NOT_SERVING)
        self._changed = asyncio.Event()
        self._is_draining = False

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve health on this server."""
        health_pb2_grpc.add_HealthServicer_to_server(self, server)

    def ready(self) -> None:
        """All services serve now. Does nothing while draining."""
        if not self._is_draining:
            self._set_all(_SERVING)

    def drain(self) -> None:
        """Nothing serves any more, for good; watching calls are told and then end, so that they hold no stop up."""
        self._is_draining = True
        self._set_all(_NOT_SERVING)

    async def Check(self, request: health_pb2.HealthCheckRequest, context: _Context) -> health_pb2.HealthCheckResponse:
        """The state now. Raises UnknownService."""
        state = self._states.get(request.service)
        if state is None:
            raise UnknownService
        return state

    async def List(self, request: object, context: _Context) -> object:
        """The state of everything that Check knows, now."""
        return _MESSAGES.HealthListResponse(statuses=self._states)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The state now and after each change, until the server drains."""
        last = None
        while True:
            changed = self._changed
            state = self._states.get(request.service, _UNKNOWN)
            if state != last:
                yield state
                last = state
            if self._is_draining:
                await asyncio.sleep(TELL_SECONDS)
                raise Unavailable("the service is draining")
            await changed.wait()

    def _set_all(self, state: health_pb2.HealthCheckResponse) -> None:
        self._states = dict.fromkeys(self._states, state)
        self._changed.set()
        self._changed = asyncio.Event()
