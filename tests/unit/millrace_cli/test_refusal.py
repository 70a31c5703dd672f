from __future__ import annotations

import grpc
import pytest
from google.protobuf import any_pb2, message
from google.rpc import error_details_pb2 as details  # type: ignore[import-untyped]
from google.rpc import status_pb2  # type: ignore[import-untyped]
from millrace_cli import refusal
from millrace_cli.exit_codes import ExitCode
from millrace_cli.refusal import Refusal


def failed(code: grpc.StatusCode, text: str, *parts: message.Message, raw: bytes | None = None) -> grpc.RpcError:
    status = status_pb2.Status()
    for part in parts:
        packed = any_pb2.Any()
        packed.Pack(part)
        status.details.append(packed)
    encoded = status.SerializeToString() if raw is None else raw
    metadata = grpc.aio.Metadata(("grpc-status-details-bin", encoded)) if encoded else grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, text)


def told(refused: Refusal) -> str:
    return refusal.as_text(refused, what="PutRecord", address="a:1", option="--stream-address", timeout_seconds=10)


def test_everything_that_the_service_said_is_read() -> None:
    retry = details.RetryInfo()
    retry.retry_delay.FromMilliseconds(1_500)
    bad = details.BadRequest(field_violations=[{"field": "shard_count", "description": "0 must be 1 to 10"}])
    info = details.ErrorInfo(reason="INVALID_ARGUMENT", domain="millrace")
    error = failed(grpc.StatusCode.INVALID_ARGUMENT, "wrong", info, bad, retry, details.RequestInfo(request_id="id-1"))

    read = refusal.of_error(error)

    assert read == Refusal(
        code="INVALID_ARGUMENT",
        message="wrong",
        reason="INVALID_ARGUMENT",
        fields=(("shard_count", "0 must be 1 to 10"),),
        request_id="id-1",
        retry_seconds=1.5,
    )
    for part in ("PutRecord was refused: wrong", "shard_count: 0 must be 1 to 10", "id-1", "1.5 s"):
        assert part in told(read)
    assert "`millrace errors INVALID_ARGUMENT` tells more" in told(read)


@pytest.mark.parametrize("raw", [b"\xff\xff", b"", b"\x1a\x03abc"])
def test_details_that_cannot_be_read_are_as_good_as_none(raw: bytes) -> None:
    read = refusal.of_error(failed(grpc.StatusCode.NOT_FOUND, "gone", raw=raw))

    assert read == Refusal(code="NOT_FOUND", message="gone")


def test_the_reason_of_another_domain_is_not_ours() -> None:
    other = details.ErrorInfo(reason="STREAM_NOT_FOUND", domain="example.com")

    assert not refusal.of_error(failed(grpc.StatusCode.NOT_FOUND, "x", other)).is_of_millrace


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("UNAVAILABLE", ["nothing answers at a:1", "make dev", "--stream-address"]),
        ("DEADLINE_EXCEEDED", ["within 10 s", "--timeout", "changed or not"]),
        ("UNIMPLEMENTED", ["does not know PutRecord", "--stream-address"]),
        ("UNKNOWN", ["PutRecord failed at a:1", "UNKNOWN", "said"]),
    ],
)
def test_what_no_service_of_ours_said_tells_what_to_do(code: str, parts: list[str]) -> None:
    text = told(Refusal(code=code, message="said"))

    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    ("code", "retry_seconds", "exit_code"),
    [
        ("INVALID_ARGUMENT", 0, ExitCode.REFUSED),
        ("ALREADY_EXISTS", 0, ExitCode.REFUSED),
        ("RESOURCE_EXHAUSTED", 0, ExitCode.REFUSED),
        ("RESOURCE_EXHAUSTED", 0.5, ExitCode.UNAVAILABLE),
        ("NOT_FOUND", 0, ExitCode.NOT_FOUND),
        ("UNAVAILABLE", 0, ExitCode.UNAVAILABLE),
        ("DEADLINE_EXCEEDED", 0, ExitCode.UNAVAILABLE),
        ("INTERNAL", 0, ExitCode.FAILED),
        ("DATA_LOSS", 0, ExitCode.FAILED),
    ],
)
def test_the_exit_code_says_what_to_do_next(code: str, retry_seconds: float, exit_code: ExitCode) -> None:
    assert Refusal(code=code, message="", retry_seconds=retry_seconds).exit_code is exit_code


def test_every_exit_code_has_a_meaning_in_the_help() -> None:
    from millrace_cli import exit_codes

    assert set(exit_codes.MEANINGS) == set(ExitCode)
    assert all(f"{code.value:>3}  {exit_codes.MEANINGS[code]}" in exit_codes.as_help() for code in ExitCode)
