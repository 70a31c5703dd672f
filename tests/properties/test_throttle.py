"""Token buckets: never more than the rate and one burst, the largest record passes, and a wait is long enough."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_service.core.stream import ReadLimits, WriteLimits
from stream_service.core.throttle import ReadThrottle, ReadThrottles, WriteThrottle
from tests.support import scale

EXAMPLES = scale.choose(small=60, full=1_000)
MICROSECOND = 1e-6
SLACK = 1e-3
"""Tokens that rounding may give or take over a whole test."""

rates = st.sampled_from([1 << 10, 1 << 20, 5_000_000])
counts = st.sampled_from([1, 7, 1_000])
arrivals = st.lists(st.tuples(st.floats(0, 2), st.integers(0, 1 << 20)), min_size=1, max_size=60)


@settings(max_examples=EXAMPLES, deadline=None)
@given(rates, counts, arrivals)
def test_a_shard_never_takes_more_than_its_rate_and_one_burst(
    rate: int, count: int, records: list[tuple[float, int]]
) -> None:
    limits = WriteLimits(bytes_per_second=rate, records_per_second=count)
    limited, now = WriteThrottle(limits, record_bytes_max=1 << 20, now=50.0), 50.0
    taken: list[tuple[float, int]] = []
    for pause, size in records:
        now += pause
        if not limited.take(size, now):
            taken.append((now, size))
    for first, (begin, _) in enumerate(taken):
        for last in range(first, len(taken)):
            seconds = taken[last][0] - begin
            assert sum(size for _, size in taken[first : last + 1]) <= rate * seconds + max(rate, 1 << 20) + SLACK
            assert last + 1 - first <= count * seconds + count + SLACK


@settings(max_examples=EXAMPLES, deadline=None)
@given(rates, counts, arrivals, st.integers(0, 1 << 20))
def test_who_waits_as_long_as_told_is_admitted(
    rate: int, count: int, records: list[tuple[float, int]], size: int
) -> None:
    limits = WriteLimits(bytes_per_second=rate, records_per_second=count)
    limited, now = WriteThrottle(limits, record_bytes_max=1 << 20, now=50.0), 50.0
    for pause, each in records:
        now += pause
        limited.take(each, now)
    seconds = limited.take(size, now)
    assert 0 <= seconds <= (1 << 20) / rate + 1
    if seconds:
        assert limited.take(size, now + seconds / 2) > 0
        assert limited.take(size, now + seconds + MICROSECOND) == 0


@given(rates, st.integers(1 << 20, 10 << 20))
def test_a_full_bucket_admits_the_largest_record_whatever_the_rate(rate: int, record_bytes_max: int) -> None:
    limited = WriteThrottle(WriteLimits(bytes_per_second=rate), record_bytes_max=record_bytes_max, now=0.0)
    assert limited.take(record_bytes_max, 0.0) == 0
    while not (seconds := limited.take(record_bytes_max, 0.0)):
        pass
    assert limited.take(record_bytes_max, seconds + MICROSECOND) == 0


@given(rates, counts, st.lists(st.integers(0, 1 << 18), max_size=20))
def test_what_is_given_back_is_there_again(rate: int, count: int, sizes: list[int]) -> None:
    limits = WriteLimits(bytes_per_second=rate, records_per_second=count)
    limited, untouched = (WriteThrottle(limits, record_bytes_max=1 << 20, now=0.0) for _ in range(2))
    for size in sizes:
        if not limited.take(size, 0.0):
            limited.give(size, 1)
    assert limited.has(max(rate, 1 << 20), count, 0.0)
    assert limited.take(1 << 20, 0.0) == untouched.take(1 << 20, 0.0)


@settings(max_examples=EXAMPLES, deadline=None)
@given(rates, counts, st.lists(st.tuples(st.floats(0, 2), st.integers(0, 10 << 20)), min_size=1, max_size=60))
def test_reads_never_take_more_than_their_rate_one_burst_and_one_answer(
    rate: int, count: int, reads: list[tuple[float, int]]
) -> None:
    limits = ReadLimits(bytes_per_second=rate, calls_per_second=count)
    limited, now = ReadThrottle(limits, now=50.0), 50.0
    taken: list[tuple[float, int]] = []
    for pause, size in reads:
        now += pause
        seconds = limited.enter(now)
        if seconds:
            assert seconds > 0
            continue
        limited.took(size)
        taken.append((now, size))
    for first, (begin, _) in enumerate(taken):
        for last in range(first, len(taken)):
            seconds = taken[last][0] - begin
            before_last = sum(size for _, size in taken[first:last])
            assert before_last <= rate * seconds + rate + SLACK
            assert last + 1 - first <= count * seconds + count + SLACK


@settings(max_examples=EXAMPLES, deadline=None)
@given(rates, counts, st.integers(0, 10 << 20))
def test_a_reader_who_waits_as_long_as_told_is_admitted(rate: int, count: int, size: int) -> None:
    limited = ReadThrottle(ReadLimits(bytes_per_second=rate, calls_per_second=count), now=0.0)
    assert limited.enter(0.0) == 0
    limited.took(size)
    seconds = limited.enter(0.0)
    assert limited.enter(seconds + MICROSECOND) == 0


@given(st.lists(st.integers(0, 9), max_size=40))
def test_only_so_many_shards_are_remembered_and_the_last_used_are_kept(keys: list[int]) -> None:
    known, limits = ReadThrottles(shards_max=4), ReadLimits(calls_per_second=1)
    for key in keys:
        known.of(key, limits, 0.0).enter(0.0)
    recent = list(dict.fromkeys(reversed(keys)))[:4]
    for key in reversed(recent):
        assert known.of(key, limits, 0.0).enter(0.0) > 0
    assert known.of(99, limits, 0.0).enter(0.0) == 0
