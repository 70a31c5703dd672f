"""Calls to the services: one channel each, a deadline on every call, errors in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from millrace_sdk import limits

from millrace_cli import refusal
from millrace_cli.session import Session

PAGE_SIZE = 1_000


class Service:
    """One service over one channel. Use it in an `async with`."""

    def __init__(self, address: str, stubs: Sequence[Any], *, option: str, timeout_seconds: float) -> None:
        """`stubs` are generated stub classes, `option` names the address."""
        self.address = address
        self.timeout_seconds = timeout_seconds
        self._option = option
        self.channel = grpc.aio.insecure_channel(address, options=limits.client_options())
        self._stubs = [stub(self.channel) for stub in stubs]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.channel.close()

    async def call(self, name: str, request: Any, *, extra_seconds: float = 0.0) -> Any:
        """The answer of the RPC of that name. Raises refusal.CallFailed.

        `extra_seconds` is time that the service was asked to wait, on top of the deadline.
        """
        try:
            return await self._method(name)(request, timeout=self.timeout_seconds + extra_seconds)
        except grpc.aio.AioRpcError as error:
            raise self.failed(name, error) from error

    def open(self, name: str, request: Any) -> Any:
        """A call of a streaming RPC, to be read from; it has no deadline. What it raises, `failed` puts into words."""
        return self._method(name)(request, timeout=None)

    async def pages(self, name: str, request: Any, field: str) -> AsyncIterator[Any]:
        """The rows of all pages, page by page. Raises refusal.CallFailed. `field` is the answer's list."""
        request.page_size = request.page_size or PAGE_SIZE
        while True:
            page = await self.call(name, request)
            for row in getattr(page, field):
                yield row
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def failed(self, name: str, error: grpc.aio.AioRpcError) -> refusal.CallFailed:
        """What to tell of a call of that RPC that failed."""
        refused = refusal.of_error(error)
        text = refusal.as_text(
            refused, what=name, address=self.address, option=self._option, timeout_seconds=self.timeout_seconds
        )
        return refusal.CallFailed(refused, text)

    def _method(self, name: str) -> Any:
        return next(getattr(stub, name) for stub in self._stubs if hasattr(stub, name))


def stream_service(session: Session) -> Service:
    """The stream service of the session. Raises UsageFailed."""
    from millrace.stream.v1 import stream_service_pb2_grpc

    stubs = [stream_service_pb2_grpc.StreamServiceStub]
    address = session.addresses().stream_address
    return Service(address, stubs, option="--stream-address", timeout_seconds=session.timeout_seconds)


def mapping_service(session: Session) -> Service:
    """The mapping service of the session: mappings and the registry of handlers. Raises UsageFailed."""
    from millrace.mapping.v1 import event_source_mapping_service_pb2_grpc, handler_registry_service_pb2_grpc

    stubs = [
        event_source_mapping_service_pb2_grpc.EventSourceMappingServiceStub,
        handler_registry_service_pb2_grpc.HandlerRegistryServiceStub,
    ]
    address = session.addresses().mapping_address
    return Service(address, stubs, option="--mapping-address", timeout_seconds=session.timeout_seconds)
