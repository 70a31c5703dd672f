"""`millrace bench`: makes a stream of its own, puts, reads back, counts, and deletes the stream."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, output, quantity
from millrace_cli.bench import load, tally
from millrace_cli.bench.load import Shape
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import UsageFailed, VerbFailed
from millrace_cli.output import Column
from millrace_cli.session import Session

REQUEST_BYTES_MAX = 10 * tally.MIB
RECORD_BYTES = (tally.MIB, 10 * tally.MIB)
"""Least and most that a stream may take as its largest record."""

COLUMNS = [
    Column("OPERATION", lambda row: row["operation"]),
    Column("RECORDS", lambda row: f"{row['records']:,}", is_number=True),
    Column("RECORDS/S", lambda row: f"{row['records_per_second']:,.0f}", is_number=True),
    Column("MIB/S", lambda row: f"{row['mib_per_second']:,.1f}", is_number=True),
    Column("CALLS", lambda row: f"{row['calls']:,}", is_number=True),
    Column("P50 MS", lambda row: f"{row['p50_millis']:.1f}", is_number=True),
    Column("P99 MS", lambda row: f"{row['p99_millis']:.1f}", is_number=True),
    Column("MAX MS", lambda row: f"{row['max_millis']:.1f}", is_number=True),
    Column("REFUSED", lambda row: f"{row['refused_records']:,}", is_number=True),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says."""

    seconds: float
    size: str
    concurrency: int
    batch: int
    shards: int


async def bench(session: Session, asked: Asked) -> int:
    """Raises UsageFailed for what cannot be put, CallFailed, VerbFailed when records are missing afterwards."""
    shape = shape_of(asked)
    async with calling.stream_service(session) as service, _stream(service, asked.shards, shape) as stream:
        output.note(
            f"putting records of {quantity.size_text(shape.size_bytes)} for {shape.seconds:g} s: {shape.batch} a call, "
            f"{shape.concurrency} at a time, into {stream} ({asked.shards} shards) at {service.address}"
        )
        began = time.monotonic()
        put = await load.put(service, stream, shape)
        turned = time.monotonic()
        got = await load.read(service, stream, shape.concurrency)
        ended = time.monotonic()
    rows = [tally.row("put", put, turned - began), tally.row("get", got, ended - turned)]
    output.rows(session.output, rows, COLUMNS, empty="")
    if got.records != put.records:
        raise VerbFailed(f"{put.records:,} records were stored, but {got.records:,} were read back")
    return ExitCode.DONE


def shape_of(asked: Asked) -> Shape:
    """What to put. Raises UsageFailed when a record or a call of it would be too large."""
    size_bytes = quantity.size_bytes(asked.size, "--size")
    record_bytes = size_bytes + load.KEY_LENGTH
    if record_bytes > RECORD_BYTES[1]:
        raise UsageFailed(f"--size is {asked.size}; with a key of {load.KEY_LENGTH} bytes a record has at most 10 MiB")
    if record_bytes * asked.batch > REQUEST_BYTES_MAX:
        most = REQUEST_BYTES_MAX // record_bytes
        raise UsageFailed(
            f"{asked.batch} records of {asked.size} are more than the 10 MiB of a call; --batch {most} fits"
        )
    return Shape(size_bytes=size_bytes, batch=asked.batch, concurrency=asked.concurrency, seconds=asked.seconds)


@asynccontextmanager
async def _stream(service: calling.Service, shards: int, shape: Shape) -> AsyncIterator[str]:
    """A stream that nobody else uses; deleted afterwards, whatever happened."""
    name = f"millrace-bench-{uuid.uuid4().hex[:12]}"
    request: Any = stream_service_pb2.CreateStreamRequest(
        stream_name=name,
        shard_count=shards,
        max_record_size_bytes=max(RECORD_BYTES[0], shape.size_bytes + load.KEY_LENGTH),
        request_id=str(uuid.uuid4()),
    )
    await service.call("CreateStream", request)
    try:
        yield name
    finally:
        await service.call("DeleteStream", stream_service_pb2.DeleteStreamRequest(stream_name=name))
