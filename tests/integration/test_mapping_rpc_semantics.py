"""What users see of mappings and handlers over real gRPC: states, etags, masks, pages, request ids, test calls."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import duration_pb2, field_mask_pb2
from millrace.handler.v1 import handler_service_pb2, handler_service_pb2_grpc
from millrace.mapping.v1 import (
    event_source_mapping_pb2,
    event_source_mapping_service_pb2,
    event_source_mapping_service_pb2_grpc,
    handler_registry_service_pb2,
    handler_registry_service_pb2_grpc,
)
from millrace.stream.v1 import record_pb2

from tests.support import mapping_process, stream_process
from tests.support.refusals import refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")
pb = event_source_mapping_service_pb2
registry_pb = handler_registry_service_pb2
mapping_pb = event_source_mapping_pb2
ENABLED = mapping_pb.EVENT_SOURCE_MAPPING_STATE_ENABLED
DISABLED = mapping_pb.EVENT_SOURCE_MAPPING_STATE_DISABLED
serials = itertools.count()


@dataclass(frozen=True)
class Stubs:
    """Stubs of the mapping service, and where a handler listens."""

    mapping: Any
    registry: Any
    endpoint: str


class Echo(handler_service_pb2_grpc.HandlerServiceServicer):
    """Names every record as failed."""

    async def Invoke(self, request: Any, context: Any) -> Any:
        response = handler_service_pb2.InvokeResponse()
        for record in request.records:
            response.batch_item_failures.add(sequence_number=record.sequence_number, message=record.partition_key)
        return response


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stubs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stubs]:
    """Stubs of a real mapping service with the handler `bill`; there are no streams."""
    folder = tmp_path_factory.mktemp("mapping")
    server = grpc.aio.server()
    handler_service_pb2_grpc.add_HandlerServiceServicer_to_server(Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with stream_process.running(folder) as stream, mapping_process.running(folder, stream) as address:
        async with grpc.aio.insecure_channel(address) as channel:
            made = Stubs(
                event_source_mapping_service_pb2_grpc.EventSourceMappingServiceStub(channel),
                handler_registry_service_pb2_grpc.HandlerRegistryServiceStub(channel),
                f"127.0.0.1:{port}",
            )
            await made.registry.RegisterHandler(register(made))
            yield made
    await server.stop(None)


def register(stubs: Stubs, name: str = "bill", **fields: Any) -> Any:
    handler = registry_pb.Handler(**{"handler_name": name, "endpoint": stubs.endpoint, **fields})
    return registry_pb.RegisterHandlerRequest(handler=handler)


def create(**fields: Any) -> Any:
    defaults = {
        "event_source": f"streams/stream-{next(serials)}",
        "handler_name": "bill",
        "starting_position": mapping_pb.STARTING_POSITION_TRIM_HORIZON,
    }
    return pb.CreateEventSourceMappingRequest(mapping=mapping_pb.EventSourceMapping(**{**defaults, **fields}))


def update(mapping: Any, *paths: str, **fields: Any) -> Any:
    changed = mapping_pb.EventSourceMapping(mapping_id=mapping.mapping_id, **fields)
    return pb.UpdateEventSourceMappingRequest(mapping=changed, update_mask=field_mask_pb2.FieldMask(paths=paths))


async def settled(stubs: Stubs, mapping: Any) -> Any:
    """The mapping once it is in no transition."""
    while True:
        request = pb.GetEventSourceMappingRequest(mapping_id=mapping.mapping_id)
        found = (await stubs.mapping.GetEventSourceMapping(request)).mapping
        if found.state in (ENABLED, DISABLED):
            return found


async def test_a_mapping_shows_effective_values_and_is_creating_at_first(stubs: Stubs) -> None:
    created = (await stubs.mapping.CreateEventSourceMapping(create())).mapping

    assert created.state == mapping_pb.EVENT_SOURCE_MAPPING_STATE_CREATING
    assert (created.batch_size, created.maximum_batching_window.seconds, created.parallelization_factor) == (100, 0, 1)
    assert not created.HasField("maximum_retry_attempts")
    assert not created.HasField("maximum_record_age")
    assert not created.HasField("enabled")
    assert created.state_transition_reason == "User action"
    assert created.last_processing_result == "No records processed"
    assert created.create_time == created.last_modified_time
    assert uuid.UUID(created.mapping_id).version == 4
    assert (await settled(stubs, created)).state == ENABLED


async def test_a_mapping_created_disabled_is_creating_and_then_disabled(stubs: Stubs) -> None:
    created = (await stubs.mapping.CreateEventSourceMapping(create(enabled=False))).mapping

    assert created.state == mapping_pb.EVENT_SOURCE_MAPPING_STATE_CREATING
    assert (await settled(stubs, created)).state == DISABLED


async def test_a_source_is_mapped_to_a_handler_once_and_the_refusal_names_the_mapping(stubs: Stubs) -> None:
    request = create()
    created = (await stubs.mapping.CreateEventSourceMapping(request)).mapping

    refused = await refusal(stubs.mapping.CreateEventSourceMapping, request)

    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "MAPPING_ALREADY_EXISTS")
    assert created.mapping_id in refused.message


async def test_validate_only_checks_and_stores_nothing(stubs: Stubs) -> None:
    request = create()
    request.validate_only = True
    shown = (await stubs.mapping.CreateEventSourceMapping(request)).mapping
    lookup = pb.GetEventSourceMappingRequest(mapping_id=shown.mapping_id)
    assert (await refusal(stubs.mapping.GetEventSourceMapping, lookup)).reason == "MAPPING_NOT_FOUND"

    request.mapping.handler_name = "nobody"
    assert (await refusal(stubs.mapping.CreateEventSourceMapping, request)).reason == "HANDLER_NOT_FOUND"

    mapping = await settled(stubs, (await stubs.mapping.CreateEventSourceMapping(create())).mapping)
    change = update(mapping, "batch_size", batch_size=7)
    change.validate_only = True
    assert (await stubs.mapping.UpdateEventSourceMapping(change)).mapping.batch_size == 7
    assert (await settled(stubs, mapping)).batch_size == 100


async def test_a_request_id_gives_the_same_mapping_and_refuses_another_request(stubs: Stubs) -> None:
    request = create()
    request.request_id = str(uuid.uuid4())
    first = (await stubs.mapping.CreateEventSourceMapping(request)).mapping
    again = (await stubs.mapping.CreateEventSourceMapping(request)).mapping
    assert again.mapping_id == first.mapping_id

    request.mapping.batch_size = 5
    refused = await refusal(stubs.mapping.CreateEventSourceMapping, request)
    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


async def test_an_update_changes_what_its_mask_names_and_unset_means_the_default(stubs: Stubs) -> None:
    request = create(batch_size=7, maximum_retry_attempts=3, maximum_record_age=duration_pb2.Duration(seconds=60))
    mapping = await settled(stubs, (await stubs.mapping.CreateEventSourceMapping(request)).mapping)

    change = update(mapping, "maximum_retry_attempts", "bisect_batch_on_function_error", batch_size=9)
    change.mapping.bisect_batch_on_function_error = True
    changed = (await stubs.mapping.UpdateEventSourceMapping(change)).mapping

    assert changed.state == mapping_pb.EVENT_SOURCE_MAPPING_STATE_UPDATING
    assert changed.etag != mapping.etag
    assert (changed.batch_size, changed.maximum_record_age.seconds) == (7, 60)
    assert changed.bisect_batch_on_function_error
    assert not changed.HasField("maximum_retry_attempts")
    assert (await settled(stubs, mapping)).state == ENABLED


async def test_a_mapping_is_disabled_and_enabled(stubs: Stubs) -> None:
    mapping = await settled(stubs, (await stubs.mapping.CreateEventSourceMapping(create())).mapping)

    disabling = (await stubs.mapping.UpdateEventSourceMapping(update(mapping, "enabled", enabled=False))).mapping
    assert disabling.state == mapping_pb.EVENT_SOURCE_MAPPING_STATE_DISABLING
    assert (await settled(stubs, mapping)).state == DISABLED
    enabling = (await stubs.mapping.UpdateEventSourceMapping(update(mapping, "enabled"))).mapping
    assert enabling.state == mapping_pb.EVENT_SOURCE_MAPPING_STATE_ENABLING
    assert (await settled(stubs, mapping)).state == ENABLED


async def test_an_old_etag_is_refused(stubs: Stubs) -> None:
    mapping = await settled(stubs, (await stubs.mapping.CreateEventSourceMapping(create())).mapping)
    await stubs.mapping.UpdateEventSourceMapping(update(mapping, "batch_size", batch_size=5, etag=mapping.etag))
    await settled(stubs, mapping)

    stale = update(mapping, "batch_size", batch_size=6, etag=mapping.etag)
    assert (await refusal(stubs.mapping.UpdateEventSourceMapping, stale)).code == "ABORTED"
    delete = pb.DeleteEventSourceMappingRequest(mapping_id=mapping.mapping_id, etag=mapping.etag)
    assert (await refusal(stubs.mapping.DeleteEventSourceMapping, delete)).reason == "ETAG_MISMATCH"


async def test_a_deleted_mapping_is_deleting_and_then_gone(stubs: Stubs) -> None:
    mapping = await settled(stubs, (await stubs.mapping.CreateEventSourceMapping(create())).mapping)
    request = pb.DeleteEventSourceMappingRequest(mapping_id=mapping.mapping_id)

    deleted = (await stubs.mapping.DeleteEventSourceMapping(request)).mapping

    assert deleted.state == mapping_pb.EVENT_SOURCE_MAPPING_STATE_DELETING
    lookup = pb.GetEventSourceMappingRequest(mapping_id=mapping.mapping_id)
    with pytest.raises(grpc.aio.AioRpcError, match="no event source mapping has the id"):
        await settled(stubs, mapping)
    assert (await refusal(stubs.mapping.GetEventSourceMapping, lookup)).code == "NOT_FOUND"


async def test_mappings_are_listed_in_pages_of_their_filter(stubs: Stubs) -> None:
    await stubs.registry.RegisterHandler(register(stubs, "pages"))
    made = [
        (await stubs.mapping.CreateEventSourceMapping(create(handler_name="pages"))).mapping.mapping_id
        for _ in range(5)
    ]
    found: list[str] = []
    request = pb.ListEventSourceMappingsRequest(page_size=2, handler_name="pages")
    for expected in (2, 2, 1):
        page = await stubs.mapping.ListEventSourceMappings(request)
        assert len(page.mappings) == expected
        found += [mapping.mapping_id for mapping in page.mappings]
        request.page_token = page.next_page_token

    assert page.next_page_token == ""
    assert sorted(found) == sorted(made)
    request.page_token = (
        await stubs.mapping.ListEventSourceMappings(pb.ListEventSourceMappingsRequest(page_size=1))
    ).next_page_token
    refused = await refusal(stubs.mapping.ListEventSourceMappings, request)
    assert (refused.reason, refused.fields) == ("INVALID_PAGE_TOKEN", ("page_token",))


async def test_a_handler_shows_effective_values_and_follows_its_mask(stubs: Stubs) -> None:
    made = (await stubs.registry.RegisterHandler(register(stubs, "ship"))).handler
    assert made.timeout.seconds == 3
    assert not made.HasField("maximum_concurrency")
    mask = field_mask_pb2.FieldMask(paths=["timeout"])
    handler = registry_pb.Handler(
        handler_name="ship", endpoint="ignored", timeout=duration_pb2.Duration(seconds=9), etag=made.etag
    )
    request = registry_pb.UpdateHandlerRequest(handler=handler, update_mask=mask)

    changed = (await stubs.registry.UpdateHandler(request)).handler

    assert (changed.timeout.seconds, changed.endpoint) == (9, stubs.endpoint)
    assert (await refusal(stubs.registry.UpdateHandler, request)).reason == "ETAG_MISMATCH"
    await stubs.registry.DeregisterHandler(registry_pb.DeregisterHandlerRequest(handler_name="ship"))
    lookup = registry_pb.GetHandlerRequest(handler_name="ship")
    assert (await refusal(stubs.registry.GetHandler, lookup)).reason == "HANDLER_NOT_FOUND"


async def test_handlers_are_listed_in_pages(stubs: Stubs) -> None:
    for name in ("page-a", "page-b", "page-c"):
        await stubs.registry.RegisterHandler(register(stubs, name))
    names: list[str] = []
    request = registry_pb.ListHandlersRequest(page_size=2)
    while True:
        page = await stubs.registry.ListHandlers(request)
        names += [handler.handler_name for handler in page.handlers]
        request.page_token = page.next_page_token
        if not request.page_token:
            break

    assert names == sorted(names)
    assert {"page-a", "page-b", "page-c"} <= set(names)


async def test_a_test_call_shows_the_answer_and_gives_records_numbers(stubs: Stubs) -> None:
    records = [record_pb2.Record(partition_key="a"), record_pb2.Record(partition_key="b", sequence_number="7" * 30)]
    request = registry_pb.InvokeHandlerRequest(handler_name="bill", records=records)

    answer = await stubs.registry.InvokeHandler(request)

    assert answer.status_code == "OK"
    assert [failure.message for failure in answer.response.batch_item_failures] == ["a", "b"]
    numbers = [failure.sequence_number for failure in answer.response.batch_item_failures]
    assert [len(number) for number in numbers] == [30, 30]
    assert numbers[1] == "7" * 30
    assert answer.duration.nanos > 0


async def test_a_test_call_to_a_handler_that_is_not_up_says_so(stubs: Stubs) -> None:
    await stubs.registry.RegisterHandler(register(stubs, "away", endpoint="127.0.0.1:1"))

    answer = await stubs.registry.InvokeHandler(registry_pb.InvokeHandlerRequest(handler_name="away"))

    assert (answer.status_code, answer.HasField("response")) == ("UNAVAILABLE", False)
    assert "cannot connect" in answer.status_message
