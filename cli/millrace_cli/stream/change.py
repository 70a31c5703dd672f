"""`millrace stream update` and `millrace stream tag`, and the settings that they share with `create`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import field_mask_pb2
from millrace.stream.v1 import stream_pb2, stream_service_pb2

from millrace_cli import calling, output, quantity
from millrace_cli.failure import UsageFailed
from millrace_cli.refusal import CallFailed
from millrace_cli.session import Session
from millrace_cli.stream import columns

UNLIMITED = "unlimited"
ATTEMPTS = 5
"""To tag a stream that others change at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user said; None is unsaid."""

    retention: str | None = None
    max_record_size: str | None = None
    shard_size: str | None = None
    write_bytes: str | None = None
    write_records: str | None = None
    read_bytes: str | None = None
    read_calls: str | None = None


def put_into(request: Any, said: Settings) -> list[str]:
    """Set what was said in a stream or a CreateStream request; the names of the fields. Raises UsageFailed."""
    paths = []
    if said.retention is not None:
        request.retention_period.FromTimedelta(quantity.duration(said.retention, "--retention"))
        paths.append("retention_period")
    if said.max_record_size is not None:
        request.max_record_size_bytes = quantity.size_bytes(said.max_record_size, "--max-record-size")
        paths.append("max_record_size_bytes")
    if said.shard_size is not None:
        request.retention_bytes_per_shard = _limit(said.shard_size, "--shard-size", is_size=True)
        paths.append("retention_bytes_per_shard")
    return paths


def put_limits_into(request: Any, now: Any, said: Settings) -> list[str]:
    """Set limits; the side of a pair that was not said stays as it is now. Raises UsageFailed."""
    paths = []
    for pair, names in (("write", ("bytes", "records")), ("read", ("bytes", "calls"))):
        options = {name: getattr(said, f"{pair}_{name}") for name in names}
        if any(value is not None for value in options.values()):
            limits = getattr(request, f"{pair}_limits")
            limits.CopyFrom(getattr(now, f"{pair}_limits"))
            for name, value in options.items():
                if value is not None:
                    number = _limit(value, f"--{pair}-{name}", is_size=name == "bytes")
                    setattr(limits, f"{name}_per_second", number)
            paths.append(f"{pair}_limits")
    return paths


async def update(session: Session, stream: str, said: Settings, *, etag: str) -> None:
    """Raises UsageFailed when nothing is to be changed or cannot be read, CallFailed."""
    async with calling.stream_service(session) as service:
        now = (
            await service.call("DescribeStream", stream_service_pb2.DescribeStreamRequest(stream_name=stream))
        ).stream
        changed = stream_pb2.Stream(stream_name=stream, etag=etag or now.etag)
        paths = put_into(changed, said) + put_limits_into(changed, now, said)
        if not paths:
            raise UsageFailed("nothing is to be changed; see millrace stream update --help for what can be")
        answer = await service.call("UpdateStream", _request(changed, paths))
    output.one(session.output, answer.stream, columns.STREAM)


async def tag(session: Session, stream: str, tags: Sequence[str], *, removed: Sequence[str]) -> None:
    """Add, replace and remove tags; others stay. Raises UsageFailed, CallFailed."""
    added = dict(quantity.pair(each, "a tag") for each in tags)
    if not added and not removed:
        raise UsageFailed("say which tags, such as team=sales, or --remove NAME")
    async with calling.stream_service(session) as service:
        describe = stream_service_pb2.DescribeStreamRequest(stream_name=stream)
        for attempt in range(1, ATTEMPTS + 1):
            now = (await service.call("DescribeStream", describe)).stream
            kept = {name: value for name, value in now.tags.items() if name not in removed}
            changed = stream_pb2.Stream(stream_name=stream, etag=now.etag, tags={**kept, **added})
            try:
                answer = await service.call("UpdateStream", _request(changed, ["tags"]))
                break
            except CallFailed as error:
                if error.refusal.reason != "ETAG_MISMATCH" or attempt == ATTEMPTS:
                    raise
    output.one(session.output, answer.stream, columns.STREAM)


def _request(changed: Any, paths: Sequence[str]) -> Any:
    return stream_service_pb2.UpdateStreamRequest(
        stream=changed, update_mask=field_mask_pb2.FieldMask(paths=paths), request_id=str(uuid.uuid4())
    )


def _limit(text: str, option: str, *, is_size: bool) -> int:
    """A number, or 0 for unlimited. Raises UsageFailed."""
    if text == UNLIMITED:
        return 0
    if is_size:
        value = quantity.size_bytes(text, option)
    elif text.isascii() and text.isdigit() and len(text) < 16:
        value = int(text)
    else:
        raise UsageFailed(f"{option} is {text!r}; it must be a whole number, or {UNLIMITED}")
    if not value:
        raise UsageFailed(f"{option} is 0; say {UNLIMITED} for no limit")
    return value
