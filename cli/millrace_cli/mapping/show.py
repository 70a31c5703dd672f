"""`millrace mapping list` and `millrace mapping show`."""

from __future__ import annotations

from typing import Any

from millrace.mapping.v1 import event_source_mapping_pb2, event_source_mapping_service_pb2

from millrace_cli import calling, output, quantity
from millrace_cli.mapping import choosing, waiting
from millrace_cli.mapping.knobs import UNLIMITED
from millrace_cli.output import Column
from millrace_cli.session import Session
from millrace_cli.stream.columns import moment


def _stream(row: Any) -> str:
    return str(row.event_source).removeprefix(choosing.EVENT_SOURCE_PREFIX)


def _start(row: Any) -> str:
    name = event_source_mapping_pb2.StartingPosition.Name(row.starting_position).removeprefix("STARTING_POSITION_")
    return {"TRIM_HORIZON": "oldest", "LATEST": "latest"}.get(name) or moment(row.starting_position_time)


def _age(row: Any) -> str:
    return _duration(row.maximum_record_age) if row.HasField("maximum_record_age") else UNLIMITED


def _retries(row: Any) -> str:
    return f"{row.maximum_retry_attempts:,}" if row.HasField("maximum_retry_attempts") else UNLIMITED


def _duration(value: Any) -> str:
    return quantity.duration_text(value.ToTimedelta())


def _yes(value: bool) -> str:
    return "yes" if value else "no"


MAPPINGS = [
    Column("MAPPING", lambda row: row.mapping_id),
    Column("STREAM", _stream),
    Column("HANDLER", lambda row: row.handler_name),
    Column("STATE", waiting.state_of),
    Column("LAST RESULT", lambda row: row.last_processing_result),
]
MAPPING = [
    *MAPPINGS,
    Column("STATE BECAUSE", lambda row: row.state_transition_reason),
    Column("FROM", _start),
    Column("BATCH SIZE", lambda row: f"{row.batch_size:,}"),
    Column("BATCHING WINDOW", lambda row: _duration(row.maximum_batching_window)),
    Column("RETRIES", _retries),
    Column("MAX RECORD AGE", _age),
    Column("BISECT", lambda row: _yes(row.bisect_batch_on_function_error)),
    Column("PARTIAL BATCHES", lambda row: _yes(row.report_batch_item_failures)),
    Column("CREATED", lambda row: moment(row.create_time)),
    Column("MODIFIED", lambda row: moment(row.last_modified_time)),
    Column("STREAM ID", lambda row: row.stream_id or "the stream was not seen yet"),
    Column("ETAG", lambda row: row.etag),
]


async def list_all(session: Session, *, stream: str, handler: str) -> None:
    """All mappings, or those of a stream or a handler. Raises CallFailed."""
    source = choosing.EVENT_SOURCE_PREFIX + stream.removeprefix(choosing.EVENT_SOURCE_PREFIX) if stream else ""
    request = event_source_mapping_service_pb2.ListEventSourceMappingsRequest(event_source=source, handler_name=handler)
    async with calling.mapping_service(session) as service:
        found = [each async for each in service.pages("ListEventSourceMappings", request, "mappings")]
    which = "such mappings" if stream or handler else "mappings"
    output.rows(
        session.output,
        found,
        MAPPINGS,
        empty=f"there are no {which} at {service.address}; make one with: millrace mapping create STREAM HANDLER",
    )


async def show(session: Session, mapping: str) -> None:
    """One mapping. Raises UsageFailed when several may be meant, VerbFailed, CallFailed."""
    async with calling.mapping_service(session) as service:
        found = await waiting.get(service, await choosing.mapping_id(service, mapping))
    output.one(session.output, found, MAPPING)
