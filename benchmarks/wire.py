"""Raw methods of the floor server and the sink: bytes in, bytes out, nothing encoded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import grpc

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
)
Method = Callable[[bytes, "grpc.aio.ServicerContext[bytes, bytes]"], Awaitable[bytes]]


async def serve(service: str, methods: Mapping[str, Method], *more: grpc.GenericRpcHandler) -> None:
    """Serve raw methods on a free port until the process is ended."""
    server = grpc.aio.server(options=OPTIONS)
    handlers = {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers), *more))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"ready 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


def run(service: str, methods: Mapping[str, Method], *more: grpc.GenericRpcHandler) -> None:
    """`serve` as a process."""
    asyncio.run(serve(service, methods, *more))


def channel(address: str) -> grpc.aio.Channel:
    """A channel of its own connection, with the limits of the services."""
    return grpc.aio.insecure_channel(address, options=(*OPTIONS, ("grpc.use_local_subchannel_pool", 1)))
