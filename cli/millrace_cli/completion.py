"""Names for the shell to complete, asked from the services: within a moment, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import typer

COMPLETION_SECONDS_MAX = 0.3
"""A shell that hangs at the tab key is worse than one that completes nothing."""
NAMES_MAX = 1_000

Complete: TypeAlias = Callable[[typer.Context, str], Sequence[str]]


def contexts(incomplete: str) -> Sequence[str]:
    """Names of contexts."""
    from millrace_cli import contexts as known
    from millrace_cli import failure

    try:
        return [name for name in known.load(known.path()).all if name.startswith(incomplete)]
    except failure.VerbFailed:
        return []


def reasons(incomplete: str) -> Sequence[str]:
    """Reasons to refuse."""
    from millrace_cli import error_catalogue

    begin = error_catalogue.normal(incomplete)
    return [each["reason"] for each in error_catalogue.all_reasons() if each["reason"].startswith(begin)]


def streams(ctx: typer.Context, incomplete: str) -> Sequence[str]:
    """Names of streams."""

    def rows(channel: Any) -> Sequence[str]:
        from millrace.stream.v1 import stream_service_pb2 as messages
        from millrace.stream.v1 import stream_service_pb2_grpc as stubs

        stub: Any = _stub(stubs.StreamServiceStub, channel)
        answer = stub.ListStreams(messages.ListStreamsRequest(page_size=NAMES_MAX), timeout=COMPLETION_SECONDS_MAX)
        return [each.stream_name for each in answer.streams]

    return _asked(ctx, incomplete, "stream", rows)


def shards(ctx: typer.Context, incomplete: str) -> Sequence[str]:
    """Shards of the stream that the command line names already."""

    def rows(channel: Any) -> Sequence[str]:
        from millrace.stream.v1 import stream_service_pb2 as messages
        from millrace.stream.v1 import stream_service_pb2_grpc as stubs

        stub: Any = _stub(stubs.StreamServiceStub, channel)
        # At an option that waits for its value the arguments are not bound to their names yet.
        named = ctx.params.get("stream") or next(iter(ctx.args), "")
        request = messages.ListShardsRequest(stream_name=named)
        return [each.shard_id for each in stub.ListShards(request, timeout=COMPLETION_SECONDS_MAX).shards]

    return _asked(ctx, incomplete, "stream", rows)


def consumers(ctx: typer.Context, incomplete: str) -> Sequence[str]:
    """Consumers of the stream that the command line names already."""

    def rows(channel: Any) -> Sequence[str]:
        from millrace.stream.v1 import stream_service_pb2 as messages
        from millrace.stream.v1 import stream_service_pb2_grpc as stubs

        stub: Any = _stub(stubs.StreamServiceStub, channel)
        named = ctx.params.get("stream") or next(iter(ctx.args), "")
        request = messages.ListStreamConsumersRequest(stream_name=named, page_size=NAMES_MAX)
        answer = stub.ListStreamConsumers(request, timeout=COMPLETION_SECONDS_MAX)
        return [each.consumer_name for each in answer.consumers]

    return _asked(ctx, incomplete, "stream", rows)


def handlers(ctx: typer.Context, incomplete: str) -> Sequence[str]:
    """Names of handlers."""

    def rows(channel: Any) -> Sequence[str]:
        from millrace.mapping.v1 import handler_registry_service_pb2 as messages
        from millrace.mapping.v1 import handler_registry_service_pb2_grpc as stubs

        stub: Any = _stub(stubs.HandlerRegistryServiceStub, channel)
        answer = stub.ListHandlers(messages.ListHandlersRequest(page_size=NAMES_MAX), timeout=COMPLETION_SECONDS_MAX)
        return [each.handler_name for each in answer.handlers]

    return _asked(ctx, incomplete, "mapping", rows)


def mappings(ctx: typer.Context, incomplete: str) -> Sequence[str]:
    """Ids of mappings."""

    def rows(channel: Any) -> Sequence[str]:
        from millrace.mapping.v1 import event_source_mapping_service_pb2 as messages
        from millrace.mapping.v1 import event_source_mapping_service_pb2_grpc as stubs

        stub: Any = _stub(stubs.EventSourceMappingServiceStub, channel)
        request = messages.ListEventSourceMappingsRequest(page_size=NAMES_MAX)
        answer = stub.ListEventSourceMappings(request, timeout=COMPLETION_SECONDS_MAX)
        return [each.mapping_id for each in answer.mappings]

    return _asked(ctx, incomplete, "mapping", rows)


def _asked(ctx: typer.Context, incomplete: str, service: str, rows: Callable[[Any], Sequence[str]]) -> Sequence[str]:
    """What the service knows that begins like this; nothing when it does not answer in time."""
    import grpc

    from millrace_cli import failure
    from millrace_cli.addresses import Asked
    from millrace_cli.session import Session

    options = {name: ctx.params.get(name) for name in ("context", "stream_address", "mapping_address")}
    try:
        addresses = Session(asked=Asked(**options)).addresses()
        address = addresses.stream_address if service == "stream" else addresses.mapping_address
        with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
            return [name for name in rows(channel) if name.startswith(incomplete)]
    except (failure.VerbFailed, grpc.RpcError):
        return []


def _stub(kind: Any, channel: Any) -> Any:
    """A generated stub; generated code has no types."""
    return kind(channel)
