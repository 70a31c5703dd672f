from __future__ import annotations

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from millrace_sdk import refusal


def an_error(code: grpc.StatusCode, *details: object, raw: bytes | None = None) -> grpc.aio.AioRpcError:
    status = status_pb2.Status(code=code.value[0])
    for detail in details:
        status.details.add().Pack(detail)  # type: ignore[arg-type]  # messages
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString() if raw is None else raw))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, details="in words")


def info(reason: str, domain: str = "millrace") -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata={"a": "b"})


def test_a_refusal_has_the_reason_of_our_domain_and_the_pause_that_is_asked_for() -> None:
    retry = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=500_000_000))
    error = an_error(grpc.StatusCode.RESOURCE_EXHAUSTED, info("OTHER", "elsewhere"), info("OVERLOADED"), retry)

    found = refusal.of_error(error)

    assert (found.reason, found.message, found.retry_after_seconds) == ("OVERLOADED", "in words", 1.5)
    assert (found.is_retryable, found.may_be_stored) == (True, False)


@pytest.mark.parametrize("raw", [b"", b"\xff\xff", b"\x1a\x03abc"])
def test_details_that_cannot_be_read_are_as_good_as_none(raw: bytes) -> None:
    found = refusal.of_error(an_error(grpc.StatusCode.UNAVAILABLE, raw=raw))

    assert (found.reason, found.retry_after_seconds) == ("UNAVAILABLE", 0.0)


@pytest.mark.parametrize(
    ("code", "is_retryable"),
    [
        (grpc.StatusCode.UNAVAILABLE, True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, True),
        (grpc.StatusCode.CANCELLED, True),
        (grpc.StatusCode.INTERNAL, True),
        (grpc.StatusCode.INVALID_ARGUMENT, False),
        (grpc.StatusCode.NOT_FOUND, False),
        (grpc.StatusCode.PERMISSION_DENIED, False),
        (grpc.StatusCode.UNIMPLEMENTED, False),
        (grpc.StatusCode.FAILED_PRECONDITION, False),
    ],
)
def test_what_is_tried_again(code: grpc.StatusCode, is_retryable: bool) -> None:
    found = refusal.of_error(an_error(code))

    assert (found.is_retryable, found.may_be_stored) == (is_retryable, is_retryable)


def test_each_caller_gets_an_exception_of_its_own() -> None:
    failed = refusal.PutFailed("NOT_FOUND", "no such stream")

    copied = refusal.copy_of(failed)

    assert copied is not failed
    assert str(copied) == "NOT_FOUND: no such stream"
    assert refusal.copy_of(KeyError("x")).may_be_stored
