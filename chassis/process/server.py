"""Makes a gRPC server and binds it, or says plainly why it cannot."""

from typing import ClassVar

import grpc

from chassis.errors import StartRefused
from chassis.process import drain, error_interceptor, limits

CALLS_MAX = 20_000
"""Calls at a time; more get RESOURCE_EXHAUSTED. Most of them wait: a poll that waits costs 30 KB."""


GRACE_SHARE = 0.8
"""Of the time of a drain, for calls under way; the rest is for what writes and closes after them."""


class AddressRefused(StartRefused):
    """The address to listen on cannot be had."""

    exit_code: ClassVar[int] = 5


def build() -> grpc.aio.Server:
    """A server with the limits and the error interceptor of all our services. Call it on the running loop."""
    return grpc.aio.server(
        interceptors=[error_interceptor.ErrorInterceptor()],
        options=limits.server_options(),
        maximum_concurrent_rpcs=CALLS_MAX,
    )


def bind(server: grpc.aio.Server, listen: str) -> str:
    """Bind `HOST:PORT`, without TLS; port 0 takes a free one. The address with the port in it.

    Raises AddressRefused, also when another process listens there.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65_535:
        raise AddressRefused(f"{listen!r} is not an address to listen on; an example: 127.0.0.1:7410")
    try:
        bound = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise _refused(listen) from error
    if bound == 0:
        raise _refused(listen)
    return f"{host}:{bound}"


def end_with(server: grpc.aio.Server, ending: drain.Drain) -> None:
    """Have the server refuse new calls at the end, and finish those under way for most of the time there is."""
    grace_seconds = ending.timeout_seconds * GRACE_SHARE
    ending.add("server", lambda: server.stop(grace_seconds), also_on_failure=True)


def _refused(listen: str) -> AddressRefused:
    return AddressRefused(f"cannot listen on {listen}: another process does, or the address is not of this machine")
