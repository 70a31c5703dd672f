"""What every MappingStore promises: the same tests in memory and on SQLite."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mapping_service.core import errors
from mapping_service.core.mapping import MappingState, StartingPosition
from mapping_service.core.policy import Policy
from mapping_service.core.ports import REQUEST_ID_MILLIS, RequestId
from mapping_service.stores import Stores
from tests.conformance.mapping_fixtures import stores as stores  # a fixture
from tests.support.mapping_stores import NOW, SHARDS, a_handler, a_mapping, a_start

REQUEST = RequestId(request_id="r-1", digest=b"digest")


@pytest.fixture(autouse=True)
def handlers(stores: Stores) -> None:
    """Mappings need a handler."""
    stores.handlers.register(a_handler("bill"))
    stores.handlers.register(a_handler("ship"))


def test_a_mapping_comes_back_as_it_was_created(stores: Stores) -> None:
    policy = Policy(
        batch_size=7,
        batching_window_seconds=3,
        maximum_retry_attempts=0,
        maximum_record_age_seconds=60,
        bisect_batch_on_function_error=True,
        report_batch_item_failures=True,
    )
    mapping = a_mapping(
        starting_position=StartingPosition.AT_TIMESTAMP, starting_position_millis=5, enabled=False, policy=policy
    )

    assert stores.mappings.create(mapping, start=None) == mapping
    assert stores.mappings.get("m-1") == mapping


def test_k2_a_start_is_stored_with_its_mapping_in_one_transaction(stores: Stores) -> None:
    created = stores.mappings.create(a_mapping(), start=a_start("stream-1", checkpoint=42))

    assert created.stream_id == "stream-1"
    assert [(row.shard_id, row.checkpoint, row.owner, row.epoch) for row in stores.leases.leases("m-1")] == [
        (SHARDS[0], 42, None, 1),
        (SHARDS[1], 42, None, 1),
    ]


def test_a_refused_mapping_leaves_no_leases(stores: Stores) -> None:
    with pytest.raises(errors.MappedHandlerNotFound):
        stores.mappings.create(a_mapping(handler_name="nobody"), start=a_start())

    assert not stores.leases.leases("m-1")
    with pytest.raises(errors.MappingNotFound):
        stores.mappings.get("m-1")


def test_a_source_is_mapped_to_a_handler_once(stores: Stores) -> None:
    stores.mappings.create(a_mapping("m-1"), start=None)
    stores.mappings.create(a_mapping("m-2", handler_name="ship"), start=None)

    with pytest.raises(errors.MappingAlreadyExists) as refused:
        stores.mappings.create(a_mapping("m-3"), start=None)
    assert refused.value.metadata["mapping_id"] == "m-1"


def test_a_mapping_that_is_being_deleted_still_holds_its_place(stores: Stores) -> None:
    created = stores.mappings.create(a_mapping("m-1"), start=None)
    stores.mappings.update(replace(created, state=MappingState.DELETING), seen=created)

    with pytest.raises(errors.MappingAlreadyExists):
        stores.mappings.create(a_mapping("m-2"), start=None)


def test_a_request_id_gives_the_same_mapping_for_a_day(stores: Stores) -> None:
    stores.mappings.create(a_mapping("m-1"), start=None, request=REQUEST)

    again = stores.mappings.create(a_mapping("m-2", create_millis=NOW + 1), start=None, request=REQUEST)
    assert again.mapping_id == "m-1"
    later = a_mapping("m-3", handler_name="ship", create_millis=NOW + REQUEST_ID_MILLIS)
    assert stores.mappings.create(later, start=None, request=REQUEST).mapping_id == "m-3"


def test_a_request_id_with_another_request_is_refused(stores: Stores) -> None:
    stores.mappings.create(a_mapping("m-1"), start=None, request=REQUEST)

    with pytest.raises(errors.RequestIdReused):
        stores.mappings.create(a_mapping("m-2"), start=None, request=replace(REQUEST, digest=b"other"))


def test_mappings_are_listed_by_creation_and_filtered(stores: Stores) -> None:
    for serial, (mapping_id, source, handler) in enumerate(
        (("m-3", "streams/a", "bill"), ("m-1", "streams/b", "bill"), ("m-2", "streams/a", "ship"))
    ):
        stores.mappings.create(
            a_mapping(mapping_id, event_source=source, handler_name=handler, create_millis=NOW + serial), start=None
        )

    def ids(**query: object) -> list[str]:
        found = stores.mappings.list(**{"after": None, "limit": 10, **query})  # type: ignore[arg-type]
        return [mapping.mapping_id for mapping in found]

    assert ids() == ["m-3", "m-1", "m-2"]
    assert ids(limit=2) == ["m-3", "m-1"]
    assert ids(after=(NOW + 1, "m-1")) == ["m-2"]
    assert ids(event_source="streams/a") == ["m-3", "m-2"]
    assert ids(event_source="streams/a", handler_name="ship") == ["m-2"]
    assert ids(event_source="streams/none") == []


def test_an_update_is_made_on_what_was_seen_only(stores: Stores) -> None:
    seen = stores.mappings.create(a_mapping(), start=None)
    changed = replace(seen, version=2, state=MappingState.UPDATING, policy=Policy(batch_size=5))

    assert stores.mappings.update(changed, seen=seen) == changed
    with pytest.raises(errors.EtagMismatch):
        stores.mappings.update(changed, seen=seen)
    with pytest.raises(errors.MappingInUse):
        stores.mappings.update(changed, seen=replace(changed, state=MappingState.ENABLED))


def test_an_update_keeps_what_others_wrote_meanwhile(stores: Stores) -> None:
    seen = stores.mappings.create(a_mapping(), start=None)
    stores.leases.resolve_start("m-1", a_start("stream-1"), seen_stream_id=None)
    stores.mappings.set_result("m-1", "OK")

    stores.mappings.update(replace(seen, state=MappingState.ENABLED), seen=seen)

    stored = stores.mappings.get("m-1")
    assert (stored.stream_id, stored.last_processing_result) == ("stream-1", "OK")


def test_a_mapping_moves_only_to_a_handler_that_is_there_and_free(stores: Stores) -> None:
    seen = stores.mappings.create(a_mapping("m-1"), start=None)
    stores.mappings.create(a_mapping("m-2", handler_name="ship"), start=None)

    with pytest.raises(errors.MappedHandlerNotFound):
        stores.mappings.update(replace(seen, handler_name="nobody"), seen=seen)
    with pytest.raises(errors.MappingAlreadyExists):
        stores.mappings.update(replace(seen, handler_name="ship"), seen=seen)


def test_only_a_mapping_that_is_being_deleted_is_removed_and_its_leases_with_it(stores: Stores) -> None:
    created = stores.mappings.create(a_mapping(), start=a_start())
    stores.mappings.remove("m-1")
    assert stores.mappings.get("m-1") == created

    stores.mappings.update(replace(created, state=MappingState.DELETING), seen=created)
    stores.mappings.remove("m-1")

    with pytest.raises(errors.MappingNotFound):
        stores.mappings.get("m-1")
    assert not stores.leases.leases("m-1")
    stores.mappings.remove("m-1")


def test_a_result_of_an_unknown_mapping_is_nothing(stores: Stores) -> None:
    stores.mappings.set_result("m-9", "OK")
