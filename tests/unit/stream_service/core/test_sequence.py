"""Rule L3: numbers rise, carry their time, and keep their order as text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from stream_service.core import sequence

millis = st.integers(0, sequence.MILLIS_MAX - 1)
numbers = st.integers(0, (1 << 62) - 1)
indexes = st.integers(0, 2**31 - 1)


@given(numbers, millis, st.integers(1, 10_000))
def test_l3_a_run_lies_above_the_last_number_and_in_one_millisecond(last: int, now: int, count: int) -> None:
    run = sequence.next_run(last, now, count)
    assert len(run) == count
    assert run[0] > last
    assert run[0] >= sequence.first_of(now)
    assert sequence.millis_of(run[0]) == sequence.millis_of(run[-1])


@given(numbers, millis)
def test_l3_a_number_is_the_clocks_time_unless_the_last_one_is_later(last: int, now: int) -> None:
    assert sequence.next_run(last, now, 1)[0] == max(last + 1, now << 20)


@given(millis, st.lists(st.tuples(st.integers(-10_000, 10_000), st.integers(1, 2_000)), max_size=30))
def test_l3_numbers_rise_whatever_the_clock_does(begin: int, steps: list[tuple[int, int]]) -> None:
    last, now = 0, begin
    for step, count in steps:
        now = min(max(0, now + step), sequence.MILLIS_MAX - 100)
        run = sequence.next_run(last, now, count)
        assert run[0] > last
        last = run[-1]


def test_l3_a_run_that_does_not_fit_a_millisecond_begins_with_the_next() -> None:
    last = sequence.first_of(1_001) - 3
    assert list(sequence.next_run(last, 1_000, 2)) == [last + 1, last + 2]
    assert sequence.next_run(last, 1_000, 3)[0] == sequence.first_of(1_001)


@given(numbers, numbers, indexes, indexes)
def test_l3_text_order_is_the_order_of_numbers(one: int, other: int, first: int, second: int) -> None:
    texts = sequence.text_of(one, first), sequence.text_of(other, second)
    assert (texts[0] < texts[1]) == ((one, first) < (other, second))
    assert {len(text) for text in texts} == {30}
    assert json.loads(json.dumps(texts[0])) == texts[0]


@given(numbers, indexes)
def test_a_text_gives_its_number_and_shard_back(number: int, index: int) -> None:
    assert sequence.parse(sequence.text_of(number, index)) == (number, index)


@given(st.text(max_size=40))
def test_what_is_not_thirty_digits_is_not_a_number(text: str) -> None:
    parsed = sequence.parse(text)
    assert parsed is None or sequence.text_of(*parsed) == text


def test_a_number_over_63_bits_is_not_one() -> None:
    assert sequence.parse(f"{1 << 63:020d}{0:010d}") is None
    assert sequence.parse("٣" * 30) is None
