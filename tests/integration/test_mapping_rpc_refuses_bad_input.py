"""Every field of every served RPC of the mapping service: bad input gets a clear refusal and changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import duration_pb2, field_mask_pb2, timestamp_pb2
from millrace.handler.v1 import worker_service_pb2, worker_service_pb2_grpc
from millrace.mapping.v1 import (
    event_source_mapping_pb2,
    event_source_mapping_service_pb2,
    event_source_mapping_service_pb2_grpc,
    handler_registry_service_pb2,
    handler_registry_service_pb2_grpc,
    role_service_pb2,
    role_service_pb2_grpc,
)
from millrace.stream.v1 import record_pb2

from tests.support import mapping_process, refusals, stream_process
from tests.support.refusals import refusal

mapping_pb = event_source_mapping_service_pb2
handler_pb = handler_registry_service_pb2
TRIM_HORIZON = event_source_mapping_pb2.STARTING_POSITION_TRIM_HORIZON
LATEST = event_source_mapping_pb2.STARTING_POSITION_LATEST
AT_TIMESTAMP = event_source_mapping_pb2.STARTING_POSITION_AT_TIMESTAMP
UNKNOWN_ID = str(uuid.UUID(int=7))


@dataclass(frozen=True)
class Stubs:
    """Stubs of the mapping service's services."""

    mapping: Any
    registry: Any
    role: Any
    worker: Any


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stubs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stubs]:
    """Stubs of a real mapping service that has the handler `bill`; the stream service has no streams."""
    folder = tmp_path_factory.mktemp("mapping")
    with stream_process.running(folder) as stream, mapping_process.running(folder, stream) as address:
        async with grpc.aio.insecure_channel(address) as channel:
            made = Stubs(
                event_source_mapping_service_pb2_grpc.EventSourceMappingServiceStub(channel),
                handler_registry_service_pb2_grpc.HandlerRegistryServiceStub(channel),
                role_service_pb2_grpc.RoleServiceStub(channel),
                worker_service_pb2_grpc.WorkerServiceStub(channel),
            )
            await made.registry.RegisterHandler(register())
            yield made


def seconds(value: int, nanos: int = 0) -> duration_pb2.Duration:
    """A duration."""
    return duration_pb2.Duration(seconds=value, nanos=nanos)


def register(**fields: Any) -> Any:
    """A RegisterHandler request, good but for what is given of the handler."""
    return handler_pb.RegisterHandlerRequest(
        handler=handler_pb.Handler(**{"handler_name": "bill", "endpoint": "127.0.0.1:1", **fields})
    )


def create(**fields: Any) -> Any:
    """A CreateEventSourceMapping request, good but for what is given of the mapping."""
    good = {"event_source": "streams/orders", "handler_name": "bill", "starting_position": TRIM_HORIZON}
    mapping = event_source_mapping_pb2.EventSourceMapping(**{**good, **fields})
    return mapping_pb.CreateEventSourceMappingRequest(mapping=mapping)


def update(*paths: str, **fields: Any) -> Any:
    """An UpdateEventSourceMapping request of a mapping that is not there."""
    mapping = event_source_mapping_pb2.EventSourceMapping(**{"mapping_id": UNKNOWN_ID, **fields})
    mask = field_mask_pb2.FieldMask(paths=paths)
    return mapping_pb.UpdateEventSourceMappingRequest(mapping=mapping, update_mask=mask)


def update_handler(*paths: str, **fields: Any) -> Any:
    """An UpdateHandler request."""
    handler = handler_pb.Handler(**{"handler_name": "bill", **fields})
    return handler_pb.UpdateHandlerRequest(handler=handler, update_mask=field_mask_pb2.FieldMask(paths=paths))


FUTURE = timestamp_pb2.Timestamp(seconds=32_503_680_000)
CREATE_REFUSED = [
    (mapping_pb.CreateEventSourceMappingRequest(), "mapping"),
    (create(event_source=""), "mapping.event_source"),
    (create(event_source="orders"), "mapping.event_source"),
    (create(event_source="streams/"), "mapping.event_source"),
    (create(event_source="streams/a b"), "mapping.event_source"),
    (create(event_source="streams/orders/consumers/audit"), "mapping.event_source"),
    (create(event_source="streams/" + "a" * 129), "mapping.event_source"),
    (create(handler_name=""), "mapping.handler_name"),
    (create(handler_name="a" * 65), "mapping.handler_name"),
    (create(handler_name="a b"), "mapping.handler_name"),
    (create(starting_position=0), "mapping.starting_position"),
    (create(starting_position=9), "mapping.starting_position"),
    (create(starting_position=AT_TIMESTAMP), "mapping.starting_position_time"),
    (create(starting_position_time=timestamp_pb2.Timestamp(seconds=1)), "mapping.starting_position_time"),
    (create(starting_position=AT_TIMESTAMP, starting_position_time=FUTURE), "mapping.starting_position_time"),
    (create(batch_size=0), "mapping.batch_size"),
    (create(batch_size=10_001), "mapping.batch_size"),
    (create(batch_size=-1), "mapping.batch_size"),
    (create(maximum_batching_window=seconds(301)), "mapping.maximum_batching_window"),
    (create(maximum_batching_window=seconds(-1)), "mapping.maximum_batching_window"),
    (create(maximum_batching_window=seconds(1, 500_000_000)), "mapping.maximum_batching_window"),
    (create(maximum_retry_attempts=-1), "mapping.maximum_retry_attempts"),
    (create(maximum_retry_attempts=10_001), "mapping.maximum_retry_attempts"),
    (create(maximum_record_age=seconds(59)), "mapping.maximum_record_age"),
    (create(maximum_record_age=seconds(0)), "mapping.maximum_record_age"),
    (create(maximum_record_age=seconds(604_801)), "mapping.maximum_record_age"),
    (create(maximum_record_age=seconds(60, 1)), "mapping.maximum_record_age"),
    (create(parallelization_factor=0), "mapping.parallelization_factor"),
    (create(parallelization_factor=2), "mapping.parallelization_factor"),
    (create(tumbling_window=seconds(1)), "mapping.tumbling_window"),
    (create(filter_criteria=event_source_mapping_pb2.FilterCriteria()), "mapping.filter_criteria"),
    (create(destination_config=event_source_mapping_pb2.DestinationConfig()), "mapping.destination_config"),
    (create(mapping_id=UNKNOWN_ID), "mapping.mapping_id"),
    (create(state=2), "mapping.state"),
    (create(last_processing_result="OK"), "mapping.last_processing_result"),
    (create(stream_id=UNKNOWN_ID), "mapping.stream_id"),
    (create(etag="x"), "mapping.etag"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("request_", "field"), CREATE_REFUSED)
async def test_a_wrong_field_of_a_new_mapping_is_refused_and_named(stubs: Stubs, request_: Any, field: str) -> None:
    refused = await refusal(stubs.mapping.CreateEventSourceMapping, request_)

    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert field in refused.fields
    assert field in refused.message
    assert not (await stubs.mapping.ListEventSourceMappings(mapping_pb.ListEventSourceMappingsRequest())).mappings


@pytest.mark.asyncio(loop_scope="module")
async def test_a_request_id_that_is_no_uuid_is_refused(stubs: Stubs) -> None:
    request = create()
    request.request_id = "again"

    assert "request_id" in (await refusal(stubs.mapping.CreateEventSourceMapping, request)).fields


@pytest.mark.asyncio(loop_scope="module")
async def test_a_mapping_to_an_unknown_handler_is_refused(stubs: Stubs) -> None:
    refused = await refusal(stubs.mapping.CreateEventSourceMapping, create(handler_name="nobody"))

    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "HANDLER_NOT_FOUND")
    assert "nobody" in refused.message


UPDATE_REFUSED = [
    (mapping_pb.UpdateEventSourceMappingRequest(), "mapping"),
    (update(), "update_mask"),
    (update("nonsense"), "update_mask"),
    (update("event_source"), "update_mask"),
    (update("starting_position"), "update_mask"),
    (update("state"), "update_mask"),
    (update("batch_size", batch_size=0), "mapping.batch_size"),
    (update("batch_size", mapping_id="x"), "mapping.mapping_id"),
    (update("parallelization_factor", parallelization_factor=3), "mapping.parallelization_factor"),
    (update("maximum_record_age", maximum_record_age=seconds(5)), "mapping.maximum_record_age"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("request_", "field"), UPDATE_REFUSED)
async def test_a_wrong_field_of_an_update_is_refused_and_named(stubs: Stubs, request_: Any, field: str) -> None:
    refused = await refusal(stubs.mapping.UpdateEventSourceMapping, request_)

    assert refused.reason == "INVALID_ARGUMENT"
    assert field in refused.fields


@pytest.mark.asyncio(loop_scope="module")
async def test_an_unknown_mapping_is_not_found(stubs: Stubs) -> None:
    for call, request in (
        (stubs.mapping.GetEventSourceMapping, mapping_pb.GetEventSourceMappingRequest(mapping_id=UNKNOWN_ID)),
        (stubs.mapping.DeleteEventSourceMapping, mapping_pb.DeleteEventSourceMappingRequest(mapping_id=UNKNOWN_ID)),
        (stubs.mapping.UpdateEventSourceMapping, update("batch_size", batch_size=5)),
    ):
        refused = await refusal(call, request)
        assert (refused.code, refused.reason) == ("NOT_FOUND", "MAPPING_NOT_FOUND")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("mapping_id", ["", "x", "A" * 400])
async def test_a_mapping_id_that_is_no_uuid_is_refused(stubs: Stubs, mapping_id: str) -> None:
    request = mapping_pb.GetEventSourceMappingRequest(mapping_id=mapping_id)

    assert "mapping_id" in (await refusal(stubs.mapping.GetEventSourceMapping, request)).fields


LIST_REFUSED = [
    (mapping_pb.ListEventSourceMappingsRequest(page_size=-1), "page_size"),
    (mapping_pb.ListEventSourceMappingsRequest(page_size=10_001), "page_size"),
    (mapping_pb.ListEventSourceMappingsRequest(event_source="orders"), "event_source"),
    (mapping_pb.ListEventSourceMappingsRequest(handler_name="a b"), "handler_name"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("request_", "field"), LIST_REFUSED)
async def test_a_wrong_field_of_a_list_is_refused_and_named(stubs: Stubs, request_: Any, field: str) -> None:
    assert field in (await refusal(stubs.mapping.ListEventSourceMappings, request_)).fields


HANDLER_REFUSED = [
    (handler_pb.RegisterHandlerRequest(), "handler"),
    (register(handler_name=""), "handler.handler_name"),
    (register(handler_name="a" * 65), "handler.handler_name"),
    (register(handler_name="a/b"), "handler.handler_name"),
    (register(endpoint=""), "handler.endpoint"),
    (register(endpoint="localhost"), "handler.endpoint"),
    (register(endpoint="localhost:0"), "handler.endpoint"),
    (register(endpoint="localhost:65536"), "handler.endpoint"),
    (register(endpoint="local host:5"), "handler.endpoint"),
    (register(endpoint="unix:/tmp/x"), "handler.endpoint"),
    (register(endpoint="a" * 260 + ":1"), "handler.endpoint"),
    (register(timeout=seconds(0)), "handler.timeout"),
    (register(timeout=seconds(901)), "handler.timeout"),
    (register(timeout=seconds(-1)), "handler.timeout"),
    (register(maximum_concurrency=1), "handler.maximum_concurrency"),
    (register(role_name="r"), "handler.role_name"),
    (register(tls=handler_pb.HandlerTls()), "handler.tls"),
    (register(etag="x"), "handler.etag"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("request_", "field"), HANDLER_REFUSED)
async def test_a_wrong_field_of_a_handler_is_refused_and_named(stubs: Stubs, request_: Any, field: str) -> None:
    refused = await refusal(stubs.registry.RegisterHandler, request_)

    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert field in refused.fields
    listed = await stubs.registry.ListHandlers(handler_pb.ListHandlersRequest())
    assert [handler.handler_name for handler in listed.handlers] == ["bill"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (handler_pb.UpdateHandlerRequest(), "handler"),
        (update_handler(), "update_mask"),
        (update_handler("handler_name"), "update_mask"),
        (update_handler("endpoint", endpoint="x"), "handler.endpoint"),
        (update_handler("timeout", timeout=seconds(1000)), "handler.timeout"),
        (update_handler("role_name", role_name="x"), "handler.role_name"),
    ],
)
async def test_a_wrong_field_of_a_handler_update_is_refused(stubs: Stubs, request_: Any, field: str) -> None:
    assert field in (await refusal(stubs.registry.UpdateHandler, request_)).fields


@pytest.mark.asyncio(loop_scope="module")
async def test_an_unknown_handler_is_not_found(stubs: Stubs) -> None:
    for call, request in (
        (stubs.registry.GetHandler, handler_pb.GetHandlerRequest(handler_name="nobody")),
        (stubs.registry.DeregisterHandler, handler_pb.DeregisterHandlerRequest(handler_name="nobody")),
        (stubs.registry.InvokeHandler, handler_pb.InvokeHandlerRequest(handler_name="nobody")),
        (stubs.registry.UpdateHandler, update_handler("timeout", handler_name="nobody")),
    ):
        refused = await refusal(call, request)
        assert (refused.code, refused.reason) == ("NOT_FOUND", "HANDLER_NOT_FOUND")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_handler_that_exists_is_not_registered_again(stubs: Stubs) -> None:
    refused = await refusal(stubs.registry.RegisterHandler, register())

    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "HANDLER_ALREADY_EXISTS")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_test_batch_that_is_too_long_is_refused(stubs: Stubs) -> None:
    records = [record_pb2.Record(partition_key="a")] * 10_001
    request = handler_pb.InvokeHandlerRequest(handler_name="bill", records=records)

    assert "records" in (await refusal(stubs.registry.InvokeHandler, request)).fields


UNBUILT = [
    "ListShardProgress",
    "SeekEventSourceMapping",
    "SkipRecords",
    "PauseEventSourceMapping",
    "ResumeEventSourceMapping",
    "ListAuditEntries",
    "TestFilterCriteria",
    "ListDeadLetters",
    "GetDeadLetter",
    "RedriveDeadLetters",
    "DeleteDeadLetters",
]


@pytest.mark.asyncio(loop_scope="module")
async def test_rpcs_that_are_not_built_say_so(stubs: Stubs) -> None:
    calls = [(getattr(stubs.mapping, rpc), getattr(mapping_pb, f"{rpc}Request")(), rpc) for rpc in UNBUILT]
    verbs = ("CreateRole", "GetRole", "ListRoles", "UpdateRole", "DeleteRole")
    calls += [(getattr(stubs.role, verb), getattr(role_service_pb2, f"{verb}Request")(), verb) for verb in verbs]

    for call, request, rpc in calls:
        refused = await refusal(call, request)
        assert (refused.code, refused.reason) == ("UNIMPLEMENTED", "NOT_IMPLEMENTED"), rpc
        assert rpc in refused.message


@pytest.mark.asyncio(loop_scope="module")
async def test_streaming_rpcs_that_are_not_built_say_so(stubs: Stubs) -> None:
    for call in (
        stubs.mapping.CaptureBatches(mapping_pb.CaptureBatchesRequest()),
        stubs.worker.Work(iter([worker_service_pb2.WorkRequest()])),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
        assert refusals.of(caught.value).reason == "NOT_IMPLEMENTED"
