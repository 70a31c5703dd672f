"""Segments: what is written is what is sliced."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from millrace.stream.v1 import stream_service_pb2

from stream_service.core import reading, sequence
from stream_service.storage import segment
from stream_service.storage.segment_cache import SegmentCache
from tests.support.stream_records import a_record

FIRST = 1_700_000_000_000 << 20
records = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300), st.binary(max_size=20_000)),
    min_size=1,
    max_size=12,
)


def encoded(pairs: list[tuple[str, bytes]], *, shard_key: int = 7, first: int = FIRST) -> segment.Segment:
    """A segment of these keys and data."""
    made, _ = segment.encode(
        shard_key,
        "0000000003",
        numbers=range(first, first + len(pairs)),
        previous_last=first - 5,
        first_index=10,
        records=[a_record(data, key=key) for key, data in pairs],
    )
    return made


def decode(payload: bytes | memoryview) -> list[tuple[str, bytes]]:
    """Keys and data of a payload."""
    found = stream_service_pb2.GetRecordsResponse.FromString(bytes(payload)).records
    return [(record.partition_key, record.data) for record in found]


@given(records)
def test_every_cut_of_a_segment_is_the_records_between_its_numbers(pairs: list[tuple[str, bytes]]) -> None:
    made = encoded(pairs)
    assert segment.is_sound(made)
    for begin in range(len(pairs)):
        for limit in (1, 2, len(pairs)):
            part = segment.part_of(made, FIRST + begin - 1, reading.Bounds(limit=limit), must_have_one=True)
            assert decode(part.payload) == pairs[begin : begin + limit]
            assert list(part.numbers) == list(range(FIRST + begin, FIRST + min(begin + limit, len(pairs))))
            assert part.ends[-1] == len(part.payload)


@given(records, st.integers(1, 100_000))
def test_a_cut_keeps_its_bytes_unless_it_is_one_record(pairs: list[tuple[str, bytes]], bytes_max: int) -> None:
    part = segment.part_of(encoded(pairs), FIRST - 1, reading.Bounds(bytes_max=bytes_max), must_have_one=True)
    assert len(part.numbers) == 1 or sum(part.sizes) <= bytes_max
    longer = [len(key.encode()) + len(data) for key, data in pairs[: len(part.numbers) + 1]]
    assert len(longer) == len(part.numbers) or sum(longer) > bytes_max


def test_sequence_numbers_and_arrival_are_those_of_the_numbers() -> None:
    made = encoded([("a", b"1"), ("b", b"2")])
    found = stream_service_pb2.GetRecordsResponse.FromString(made.payload).records
    assert [record.sequence_number for record in found] == [sequence.text_of(FIRST + place, 3) for place in (0, 1)]
    assert {record.approximate_arrival_unix_millis for record in found} == {FIRST >> 20}


def test_the_cache_gives_the_segment_that_follows_and_keeps_its_bound() -> None:
    made = [encoded([("k", bytes(1000))], first=FIRST + 10 * turn) for turn in range(10)]
    cache = SegmentCache(bytes_max=5_000)
    for each in made:
        cache.add(each)
    assert cache.size_bytes <= 5_000
    assert cache.after(7, made[-1].previous_last) is made[-1]
    assert cache.after(7, made[0].previous_last) is None
    assert cache.after(8, made[-1].previous_last) is None
    assert cache.after(7, made[-1].last) is None
