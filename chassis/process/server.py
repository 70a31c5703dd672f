"""Makes a gRPC server and binds it, or says plainly why it cannot."""

import grpc

from chassis.process import addresses, call_metrics, drain, error_interceptor, limits, tracing

CALLS_MAX = 20_000
"""Calls at a time; more get RESOURCE_EXHAUSTED. Most of them wait: a poll that waits costs 30 KB."""


GRACE_SHARE = 0.8
"""Of the time of a drain, for calls under way; the rest is for what writes and closes after them."""


def build(meter: call_metrics.CallMeter | None = None, traces: tracing.Tracing | None = None) -> grpc.aio.Server:
    """A server with the limits and the error interceptor of all our services. Call it on the running loop.

    The meter counts its calls, and `traces` makes spans of them.
    """
    return grpc.aio.server(
        interceptors=[error_interceptor.ErrorInterceptor(meter or call_metrics.CallMeter(), traces)],
        options=limits.server_options(),
        maximum_concurrent_rpcs=CALLS_MAX,
    )


def bind(server: grpc.aio.Server, listen: str) -> str:
    """Bind `HOST:PORT`, without TLS; port 0 takes a free one. The address with the port in it.

    Raises AddressRefused, also when another process listens there.
    """
    host, _ = addresses.parse(listen)
    try:
        bound = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise addresses.refused(listen) from error
    if bound == 0:
        raise addresses.refused(listen)
    return f"{addresses.shown(host)}:{bound}"


def end_with(server: grpc.aio.Server, ending: drain.Drain) -> None:
    """Have the server refuse new calls at the end, and finish those under way for most of the time there is."""
    grace_seconds = ending.timeout_seconds * GRACE_SHARE
    ending.add("server", lambda: server.stop(grace_seconds), also_on_failure=True)
