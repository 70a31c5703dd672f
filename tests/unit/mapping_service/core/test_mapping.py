"""Mappings: what is allowed, and when they may change."""

from dataclasses import replace

import pytest

from chassis.errors import InvalidArgument
from mapping_service.core import handler as handlers
from mapping_service.core import mapping as mappings
from mapping_service.core import names
from mapping_service.core.errors import EtagMismatch, MappingInUse
from mapping_service.core.handler import Handler
from mapping_service.core.mapping import EventSourceMapping, MappingState, StartingPosition, Update
from mapping_service.core.policy import Policy

NOW = 1_700_000_000_000


def a_mapping(**changes: object) -> EventSourceMapping:
    """A mapping that is allowed, but for the changes."""
    plain = EventSourceMapping(
        mapping_id="5f0c1a52-4ce6-4a0c-8f5c-0a3b2f8a9a10",
        event_source="streams/orders",
        handler_name="bill",
        starting_position=StartingPosition.TRIM_HORIZON,
        policy=Policy(),
        create_millis=NOW,
        modified_millis=NOW,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def an_enabled_mapping() -> EventSourceMapping:
    return mappings.settle(mappings.create(a_mapping(), now_millis=NOW), now_millis=NOW)


@pytest.mark.parametrize(
    ("enabled", "settled"), [(True, MappingState.ENABLED), (False, MappingState.DISABLED)], ids=["on", "off"]
)
def test_a_new_mapping_is_creating_whether_enabled_or_not(enabled: bool, settled: MappingState) -> None:
    mapping = mappings.create(a_mapping(enabled=enabled), now_millis=NOW)

    assert (mapping.state, mapping.last_processing_result) == (MappingState.CREATING, "No records processed")
    assert mappings.settle(mapping, now_millis=NOW + 1).state == settled


def test_everything_that_is_wrong_is_said_at_once() -> None:
    policy = Policy(
        batch_size=10_001, batching_window_seconds=301, maximum_retry_attempts=-1, maximum_record_age_seconds=59
    )
    draft = a_mapping(event_source="orders", handler_name="", policy=policy, starting_position_millis=1)

    with pytest.raises(InvalidArgument) as refusal:
        mappings.create(draft, now_millis=NOW)

    assert {violation.field for violation in refusal.value.violations} == {
        "mapping.event_source",
        "mapping.handler_name",
        "mapping.starting_position_time",
        "mapping.batch_size",
        "mapping.maximum_batching_window",
        "mapping.maximum_retry_attempts",
        "mapping.maximum_record_age",
    }


@pytest.mark.parametrize("millis", [None, NOW + 1, -1], ids=["missing", "in the future", "before 1970"])
def test_a_starting_time_must_be_there_and_past(millis: int | None) -> None:
    draft = a_mapping(starting_position=StartingPosition.AT_TIMESTAMP, starting_position_millis=millis)

    with pytest.raises(InvalidArgument, match="starting_position_time"):
        mappings.create(draft, now_millis=NOW)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        pytest.param(Update(policy=Policy(batch_size=1)), MappingState.UPDATING, id="knobs"),
        pytest.param(Update(enabled=True), MappingState.UPDATING, id="enabled as before"),
        pytest.param(Update(enabled=False), MappingState.DISABLING, id="disabled"),
    ],
)
def test_a_change_begins_a_transition(change: Update, state: MappingState) -> None:
    before = an_enabled_mapping()

    after = mappings.update(before, change, now_millis=NOW + 5)

    assert (after.state, after.modified_millis) == (state, NOW + 5)
    assert after.etag != before.etag


def test_a_disabled_mapping_becomes_enabled_through_enabling() -> None:
    disabled = replace(an_enabled_mapping(), enabled=False, state=MappingState.DISABLED)

    enabling = mappings.update(disabled, Update(enabled=True), now_millis=NOW)

    assert enabling.state == MappingState.ENABLING
    assert mappings.settle(enabling, now_millis=NOW).state == MappingState.ENABLED


@pytest.mark.parametrize("state", sorted(set(MappingState) - mappings.SETTLED_STATES))
def test_nothing_changes_while_a_transition_lasts(state: MappingState) -> None:
    mapping = a_mapping(state=state)

    with pytest.raises(MappingInUse):
        mappings.update(mapping, Update(enabled=False), now_millis=NOW)
    with pytest.raises(MappingInUse):
        mappings.delete(mapping, etag=None, now_millis=NOW)


def test_a_stale_etag_is_refused() -> None:
    with pytest.raises(EtagMismatch):
        mappings.update(an_enabled_mapping(), Update(etag="99"), now_millis=NOW)


def test_a_deleted_mapping_wants_no_pollers_and_stays_deleting() -> None:
    deleting = mappings.delete(an_enabled_mapping(), etag=None, now_millis=NOW)

    assert not deleting.wants_pollers
    assert mappings.settle(deleting, now_millis=NOW) is deleting


@pytest.mark.parametrize("endpoint", ["localhost:7500", "[::1]:1", "10.0.0.1:65535", "a-b.example:80", "bill_svc:80"])
def test_an_endpoint_is_host_and_port(endpoint: str) -> None:
    assert handlers.is_endpoint(endpoint)


@pytest.mark.parametrize(
    "endpoint", ["", "localhost", ":80", "localhost:0", "localhost:65536", "http://a:80", "a b:80", "a" * 253 + ":80"]
)
def test_anything_else_is_no_endpoint(endpoint: str) -> None:
    assert not handlers.is_endpoint(endpoint)


def test_a_handler_is_checked_when_registered_and_when_changed() -> None:
    draft = Handler(handler_name="bill", endpoint="localhost:7500", create_millis=0)
    handler = handlers.register(draft, now_millis=NOW)

    assert (handler.timeout_seconds, handler.create_millis) == (3.0, NOW)
    assert handlers.update(handler, timeout_seconds=900).etag != handler.etag
    with pytest.raises(InvalidArgument):
        handlers.update(handler, timeout_seconds=900.5)
    with pytest.raises(EtagMismatch):
        handlers.update(handler, etag="9")


def test_sequence_numbers_are_read_as_they_are_written() -> None:
    text = names.sequence_number(1 << 60, 12)

    assert (len(text), names.parse_sequence_number(text)) == (30, (1 << 60, 12))
    assert names.shard_index("shardId-000000000012") == 12
    with pytest.raises(ValueError, match="not a shard id"):
        names.shard_index("shard-12")
