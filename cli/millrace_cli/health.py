"""`millrace health`: whether the services serve. It imports little, since containers run it every few seconds."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from millrace_cli import addresses
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import UsageFailed
from millrace_cli.output_form import Output
from millrace_cli.session import Session

SERVICES = ("stream", "mapping")
SERVING = "SERVING"
LOOK_AGAIN_SECONDS = 0.2
_OPTIONS = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What became of one Check."""

    service: str
    address: str
    status: str = "UNREACHABLE"
    """The status of grpc.health.v1.Health, or UNREACHABLE when there was no answer."""
    millis: float = 0.0
    detail: str = ""
    """Why there was no answer."""


async def health(session: Session, *, service: str, address: str, wait_seconds: float) -> int:
    """Print the state of each service; exit code 0 when all serve, 5 otherwise. Raises UsageFailed."""
    asked = _asked(session, service=service, address=address)
    found = await _look_until_serving(asked, session.timeout_seconds, wait_seconds)
    if address and session.output is Output.TABLE:
        _say(found[0])
    else:
        _show(session.output, found)
    return ExitCode.DONE if _all_serve(found) else ExitCode.UNAVAILABLE


def _asked(session: Session, *, service: str, address: str) -> Sequence[Health]:
    """Whom to ask. Raises UsageFailed."""
    if service and service not in SERVICES:
        raise UsageFailed(f"--service is {service!r}; it must be one of {', '.join(SERVICES)}")
    if address:
        return [Health(service=service or "service", address=addresses.checked(address, "--address"))]
    known = session.addresses()
    both = [
        Health(service="stream", address=known.stream_address),
        Health(service="mapping", address=known.mapping_address),
    ]
    return [each for each in both if service in ("", each.service)]


async def _look_until_serving(asked: Sequence[Health], timeout_seconds: float, wait_seconds: float) -> Sequence[Health]:
    """The last look at each: the first one in which all serve, or the last one before the wait is over."""
    end = time.monotonic() + wait_seconds
    channels = [grpc.aio.insecure_channel(each.address, options=_OPTIONS) for each in asked]
    try:
        while True:
            left = max(timeout_seconds if wait_seconds == 0 else end - time.monotonic(), 0.01)
            looks = (_look(*each, min(left, timeout_seconds)) for each in zip(asked, channels, strict=True))
            found = await asyncio.gather(*looks)
            if _all_serve(found) or time.monotonic() + LOOK_AGAIN_SECONDS >= end:
                return found
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    finally:
        await asyncio.gather(*(each.close() for each in channels))


async def _look(asked: Health, channel: grpc.aio.Channel, timeout_seconds: float) -> Health:
    stub: Any = _stub(channel)
    began = time.monotonic()
    try:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_seconds)
    except grpc.aio.AioRpcError as error:
        return replace(asked, millis=_millis_since(began), detail=_why(error, timeout_seconds))
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return replace(asked, status=status, millis=_millis_since(began))


def _stub(channel: grpc.aio.Channel) -> Any:
    kind: Any = health_pb2_grpc.HealthStub
    return kind(channel)


def _why(error: grpc.aio.AioRpcError, timeout_seconds: float) -> str:
    match error.code():
        case grpc.StatusCode.UNIMPLEMENTED:
            return "what answers there does not serve grpc.health.v1.Health"
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"no answer within {timeout_seconds:g} s"
    return f"{error.code().name}: {error.details()}"


def _millis_since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)


def _all_serve(found: Sequence[Health]) -> bool:
    return all(each.status == SERVING for each in found)


def _say(found: Health) -> None:
    """One service in one line; drawing a table would take longer than asking."""
    line = f"{found.status} {found.address} {found.millis:.1f} ms {found.detail}".rstrip()
    sys.stdout.write("".join(each if each.isprintable() else "?" for each in line) + "\n")


def _show(form: Output, found: Sequence[Health]) -> None:
    from millrace_cli import output

    columns = [
        output.Column("SERVICE", lambda row: row["service"]),
        output.Column("ADDRESS", lambda row: row["address"]),
        output.Column("STATUS", lambda row: row["status"]),
        output.Column("MILLIS", lambda row: f"{row['millis']:.1f}", is_number=True),
        output.Column("DETAIL", lambda row: row["detail"]),
    ]
    output.rows(form, [asdict(each) for each in found], columns, empty="")
