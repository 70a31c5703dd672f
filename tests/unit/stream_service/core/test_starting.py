"""Rule C3: each iterator type is one exclusive position, never after the shard's newest number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidArgument, Violations
from stream_service.core import errors, sequence, starting
from stream_service.core.starting import IteratorType, Start
from tests.support.stream_shards import FLOOR, a_shard, a_stream, shards_of

NOW = 1_700_000_000_000
NUMBERS = [sequence.first_of(NOW + 1_000 * step) for step in range(5)]
shard = a_shard(last=NUMBERS[-1], horizon=NUMBERS[0])


def start(kind: IteratorType, number: int | None = None, millis: int | None = None) -> Start:
    """A start in the first shard."""
    text = "" if number is None else sequence.text_of(number, 0)
    return Start(
        stream_name="orders",
        shard_id="shardId-000000000000",
        type=kind,
        sequence_number=text,
        unix_millis=millis,
    )


def first_read(position: int) -> list[int]:
    """What a read after a position finds of the numbers that are not trimmed."""
    return [number for number in NUMBERS[1:] if number > position]


def test_the_five_types_start_where_they_say() -> None:
    assert first_read(starting.resolve(start(IteratorType.TRIM_HORIZON), shard)) == NUMBERS[1:]
    assert first_read(starting.resolve(start(IteratorType.LATEST), shard)) == []
    assert first_read(starting.resolve(start(IteratorType.AT_SEQUENCE_NUMBER, NUMBERS[2]), shard)) == NUMBERS[2:]
    assert first_read(starting.resolve(start(IteratorType.AFTER_SEQUENCE_NUMBER, NUMBERS[2]), shard)) == NUMBERS[3:]
    assert first_read(starting.resolve(start(IteratorType.AT_TIMESTAMP, millis=NOW + 2_000), shard)) == NUMBERS[2:]
    assert first_read(starting.resolve(start(IteratorType.AT_TIMESTAMP, millis=NOW + 2_001), shard)) == NUMBERS[3:]


@given(st.integers(-(10**15), 10**15))
def test_c3_a_time_never_starts_late_nor_after_the_newest_record(millis: int) -> None:
    position = starting.resolve(start(IteratorType.AT_TIMESTAMP, millis=millis), shard)
    assert shard.horizon <= position <= shard.last
    assert [number for number in NUMBERS[1:] if sequence.millis_of(number) >= millis] == first_read(position)


@given(
    st.integers(0, NUMBERS[-1]), st.sampled_from([IteratorType.AT_SEQUENCE_NUMBER, IteratorType.AFTER_SEQUENCE_NUMBER])
)
def test_c3_a_number_starts_inside_the_shard(number: int, kind: IteratorType) -> None:
    assert shard.horizon <= starting.resolve(start(kind, number), shard) <= shard.last


def test_c3_a_number_after_the_newest_or_of_another_shard_is_refused() -> None:
    for number, index in ((NUMBERS[-1] + 1, 0), (NUMBERS[1], 1)):
        wanted = Start(
            stream_name="orders",
            shard_id="shardId-000000000000",
            type=IteratorType.AT_SEQUENCE_NUMBER,
            sequence_number=sequence.text_of(number, index),
        )
        with pytest.raises(InvalidArgument) as caught:
            starting.resolve(wanted, shard)
        assert [violation.field for violation in caught.value.violations] == ["starting_sequence_number"]


def test_an_empty_shard_starts_at_its_floor_whatever_the_type() -> None:
    empty = a_shard()
    for kind in (IteratorType.TRIM_HORIZON, IteratorType.LATEST):
        assert starting.resolve(start(kind), empty) == FLOOR
    assert starting.resolve(start(IteratorType.AT_TIMESTAMP, millis=NOW), empty) == FLOOR


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Start(stream_name="o", shard_id="s", type=None), "type"),
        (start(IteratorType.AT_SEQUENCE_NUMBER), "starting_sequence_number"),
        (start(IteratorType.AFTER_SEQUENCE_NUMBER), "starting_sequence_number"),
        (start(IteratorType.LATEST, NUMBERS[0]), "starting_sequence_number"),
        (start(IteratorType.AT_TIMESTAMP), "time"),
        (start(IteratorType.AT_TIMESTAMP, millis=NOW + 1), "time"),
        (start(IteratorType.TRIM_HORIZON, millis=NOW), "time"),
    ],
)
def test_what_does_not_go_together_is_refused_by_field(wanted: Start, field: str) -> None:
    problems = Violations()
    starting.check(problems, wanted, now_millis=NOW)
    with pytest.raises(InvalidArgument) as caught:
        problems.raise_if_any()
    assert [violation.field for violation in caught.value.violations] == [field]


def test_a_shard_that_is_not_there_is_not_found() -> None:
    shards = shards_of(2)
    assert starting.find_shard(a_stream(), shards, 1) is shards[1]
    with pytest.raises(errors.ShardNotFound):
        starting.find_shard(a_stream(), shards, 2)
