from __future__ import annotations

from datetime import UTC, datetime

import pytest
from millrace.mapping.v1 import event_source_mapping_pb2
from millrace_cli.failure import UsageFailed, VerbFailed
from millrace_cli.mapping import choosing, create, knobs
from millrace_cli.mapping.knobs import Knobs

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST = event_source_mapping_pb2.EventSourceMapping(mapping_id="3f9a0001", event_source="streams/orders")
SECOND = event_source_mapping_pb2.EventSourceMapping(mapping_id="3f9b0002", event_source="streams/orders")
THIRD = event_source_mapping_pb2.EventSourceMapping(mapping_id="77770003", event_source="streams/bills")


def test_only_what_was_said_is_changed() -> None:
    mapping = event_source_mapping_pb2.EventSourceMapping()

    named = knobs.put_into(mapping, Knobs(batch_size=7, window="30s", bisect=False))

    assert named == ["batch_size", "maximum_batching_window", "bisect_batch_on_function_error"]
    assert (mapping.batch_size, mapping.maximum_batching_window.seconds) == (7, 30)


def test_unlimited_names_the_field_and_leaves_it_unset() -> None:
    mapping = event_source_mapping_pb2.EventSourceMapping()

    named = knobs.put_into(mapping, Knobs(retries="unlimited", age="unlimited"))

    assert named == ["maximum_retry_attempts", "maximum_record_age"]
    assert not mapping.HasField("maximum_retry_attempts")
    assert not mapping.HasField("maximum_record_age")


def test_no_retries_is_not_the_same_as_unlimited() -> None:
    mapping = event_source_mapping_pb2.EventSourceMapping()

    knobs.put_into(mapping, Knobs(retries="0"))

    assert mapping.HasField("maximum_retry_attempts")
    assert mapping.maximum_retry_attempts == 0


@pytest.mark.parametrize(
    "said", [Knobs(retries="3.5"), Knobs(age="old"), Knobs(window="unlimited"), Knobs(batch_size=2**31)]
)
def test_what_cannot_be_read_is_refused(said: Knobs) -> None:
    with pytest.raises(UsageFailed, match=r"^--"):
        knobs.put_into(event_source_mapping_pb2.EventSourceMapping(), said)


@pytest.mark.parametrize("text", ["3f9a", "3F9A0", "3f9a0001"])
def test_a_mapping_is_chosen_by_the_beginning_of_its_id(text: str) -> None:
    assert choosing.choose(text, [FIRST, SECOND, THIRD]) == FIRST


@pytest.mark.parametrize("text", ["bills", "streams/bills", "7"])
def test_a_mapping_is_chosen_by_its_stream(text: str) -> None:
    assert choosing.choose(text, [FIRST, SECOND, THIRD]) == THIRD


@pytest.mark.parametrize("text", ["orders", "3f9"])
def test_several_mappings_are_named_and_none_is_chosen(text: str) -> None:
    with pytest.raises(UsageFailed, match=r"3f9a0001(.|\n)*3f9b0002"):
        choosing.choose(text, [FIRST, SECOND, THIRD])


@pytest.mark.parametrize(("text", "kind"), [("nothing", VerbFailed), ("", UsageFailed)])
def test_none_is_chosen_for_what_names_none(text: str, kind: type[VerbFailed]) -> None:
    with pytest.raises(kind):
        choosing.choose(text, [FIRST, SECOND, THIRD])


@pytest.mark.parametrize(
    ("text", "position", "time"),
    [
        ("oldest", "TRIM_HORIZON", None),
        ("latest", "LATEST", None),
        ("2h", "AT_TIMESTAMP", datetime(2026, 1, 31, 10)),
        ("2026-01-30T00:00:00Z", "AT_TIMESTAMP", datetime(2026, 1, 30)),
    ],
)
def test_a_mapping_starts_where_it_is_told(text: str, position: str, time: datetime | None) -> None:
    mapping = event_source_mapping_pb2.EventSourceMapping()

    create.start_from(mapping, text, NOW)

    assert mapping.starting_position == event_source_mapping_pb2.StartingPosition.Value(f"STARTING_POSITION_{position}")
    assert mapping.HasField("starting_position_time") == (time is not None)
    if time is not None:
        assert mapping.starting_position_time.ToDatetime() == time
