"""What a refusal says, read from the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refusal as a client sees it."""

    code: str
    reason: str
    fields: tuple[str, ...]
    message: str


def of(error: grpc.aio.AioRpcError) -> Refusal:
    """The refusal in an error; fails unless it has exactly one ErrorInfo of our domain."""
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    infos = [detail for detail in status.details if detail.Is(info.DESCRIPTOR)]
    assert len(infos) == 1
    infos[0].Unpack(info)
    assert info.domain == "millrace"
    for detail in status.details:
        if detail.Is(bad.DESCRIPTOR):
            detail.Unpack(bad)
    fields = tuple(violation.field for violation in bad.field_violations)
    return Refusal(code=error.code().name, reason=info.reason, fields=fields, message=error.details() or "")


async def refusal(call: Any, request: Any) -> Refusal:
    """The refusal that a unary request gets; fails if it gets none."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(request, timeout=10)
    return of(caught.value)
