"""Whatever is split, merged and scaled, the open shards cover the hash keys, each once, and lineage makes sense."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import InvalidArgument
from stream_service.core import resharding, router, sequence
from stream_service.core.listing import FilterType, ShardFilter, select
from stream_service.core.resharding import Change, Merge, Scale, Split
from stream_service.core.shard import HASH_KEYS, Shard
from stream_service.core.stream import Stream
from tests.support import scale
from tests.support.shard_history import NOW, ShardHistory, opened

EXAMPLES = scale.choose(small=40, full=400)

changes = st.lists(
    st.tuples(st.sampled_from(["split", "merge", "scale"]), st.integers(0, 2**62), st.integers(0, 3_000_000)),
    max_size=12,
)


def a_change(history: ShardHistory, kind: str, chance: int) -> Change | None:
    """A change that fits, chosen by a number; None where none of the kind does."""
    left = opened(history.shards)
    if kind == "scale":
        low, high = (len(left) + 1) // 2, min(2 * len(left), 24)
        return Scale(low + chance % (high - low + 1))
    if kind == "merge":
        if len(left) < 2:
            return None
        place = chance % (len(left) - 1)
        return Merge(left[place].index, left[place + 1].index)
    parent = left[chance % len(left)]
    width = parent.ending_hash_key - parent.starting_hash_key
    if len(left) > 24 or width < 4:
        return None
    fraction = (chance * 0x9E3779B97F4A7C15) % 2**64
    return Split(parent.index, parent.starting_hash_key + 2 + (width - 3) * fraction // 2**64)


def a_history(count: int, steps: Sequence[tuple[str, int, int]]) -> ShardHistory:
    """A stream's shards after changes, with records between them and a clock that also goes back."""
    history = ShardHistory(count)
    for kind, chance, pause in steps:
        history.now += pause - 1_000_000
        history.put(chance)
        change = a_change(history, kind, chance)
        if change is not None:
            history.apply(change)
    return history


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 8), changes)
def test_open_shards_cover_the_hash_keys_after_every_change(count: int, steps: list[tuple[str, int, int]]) -> None:
    history = a_history(count, steps)
    for shards in history.snapshots:
        ranges = [(each.starting_hash_key, each.ending_hash_key) for each in opened(shards)]
        assert (ranges[0][0], ranges[-1][1]) == (0, HASH_KEYS - 1)
        assert all(low <= high for low, high in ranges)
        assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(ranges))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 8), changes)
def test_children_have_their_parents_hash_keys_and_numbers_above_theirs(
    count: int, steps: list[tuple[str, int, int]]
) -> None:
    shards = a_history(count, steps).shards
    by_index = {each.index: each for each in shards}
    assert list(by_index) == list(range(len(shards)))
    for child in shards[count:]:
        parents = [by_index[index] for index in child.parents]
        assert 1 <= len(parents) <= 2
        assert all(each.index < child.index and not each.is_open for each in parents)
        assert child.starting_hash_key >= parents[0].starting_hash_key
        assert child.ending_hash_key <= parents[-1].ending_hash_key
        assert all(each.closed_millis == child.created_millis for each in parents)
        assert all(child.floor >= each.last for each in parents)
    closed = [each for each in shards if not each.is_open]
    for parent in closed:
        children = [each for each in shards if parent.index in each.parents]
        assert children, f"nothing follows {parent.shard_id}"
        assert min(each.starting_hash_key for each in children) <= parent.starting_hash_key
        assert max(each.ending_hash_key for each in children) >= parent.ending_hash_key
        assert sequence.millis_of(parent.last) < (parent.closed_millis or 0)
    assert all(not each.parents for each in shards[:count])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 8), changes, st.lists(st.integers(0, HASH_KEYS - 1), min_size=1, max_size=5))
def test_a_keys_shards_in_the_order_of_time_are_one_line(
    count: int, steps: list[tuple[str, int, int]], keys: list[int]
) -> None:
    history = a_history(count, steps)
    for key in keys:
        line = [
            next(each for each in shards if each.key == router.Router(shards).shard_key(key))
            for shards in history.snapshots
        ]
        for before, after in itertools.pairwise(line):
            assert after.floor >= before.floor
            assert after.index == before.index or before.index in _ancestors(after, history.shards)


def _ancestors(shard: Shard, shards: Sequence[Shard]) -> set[int]:
    found, left = set[int](), list(shard.parents)
    while left:
        index = left.pop()
        found.add(index)
        left += shards[index].parents
    return found


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 200), st.data())
def test_update_shard_count_gives_ranges_of_equal_width(count: int, data: st.DataObject) -> None:
    target = data.draw(st.integers((count + 1) // 2, 2 * count))
    history = ShardHistory(count)
    history.apply(Scale(target))
    assert len(opened(history.shards)) == target
    assert_equal_widths(history)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 8), changes, st.data())
def test_update_shard_count_gives_equal_ranges_from_unequal_ones(
    count: int, steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    history = a_history(count, steps)
    left = len(opened(history.shards))
    target = data.draw(st.integers((left + 1) // 2, 2 * left).filter(lambda each: each != left))
    history.apply(Scale(target))
    assert_equal_widths(history)


@pytest.mark.parametrize(("count", "target", "total"), [(2, 4, 6), (4, 5, 15), (4, 2, 6), (4, 3, 11), (3, 6, 9)])
def test_update_shard_count_makes_as_many_shards_as_kinesis_does(count: int, target: int, total: int) -> None:
    history = ShardHistory(count)
    history.apply(Scale(target))
    assert len(history.shards) == total
    assert len(opened(history.shards)) == target


@pytest.mark.parametrize("count", range(1, 40))
def test_going_to_twice_as_many_shards_and_back_splits_and_merges_each_once(count: int) -> None:
    history = ShardHistory(count)
    history.apply(Scale(2 * count))
    assert len(history.shards) == 3 * count
    history.apply(Scale(count))
    assert len(history.shards) == 4 * count


def test_update_shard_count_from_four_to_three_leaves_the_ids_that_kinesis_leaves() -> None:
    history = ShardHistory(4)
    history.apply(Scale(3))
    assert [each.index for each in opened(history.shards)] == [6, 9, 10]


def test_update_shard_count_to_the_same_count_changes_nothing() -> None:
    history = ShardHistory(4)
    before = list(history.shards)
    history.apply(Scale(4))
    assert history.shards == before


@given(st.integers(1, 40), st.integers(-3, 100))
def test_update_shard_count_is_at_least_half_and_at_most_double(count: int, target: int) -> None:
    history = ShardHistory(count)
    if (count + 1) // 2 <= target <= 2 * count:
        history.apply(Scale(target))
        return
    with pytest.raises(InvalidArgument) as caught:
        history.apply(Scale(target))
    assert [each.field for each in caught.value.violations] == ["target_shard_count"]


@given(st.integers(1, 8), st.integers(0, 7), st.integers(-3, 3), st.booleans())
def test_a_split_begins_inside_the_shard_or_is_refused(count: int, index: int, offset: int, is_low: bool) -> None:
    history = ShardHistory(count)
    parent = history.shards[index % count]
    at = (parent.starting_hash_key if is_low else parent.ending_hash_key) + offset
    if parent.starting_hash_key + 1 < at < parent.ending_hash_key:
        history.apply(Split(parent.index, at))
        return
    with pytest.raises(InvalidArgument):
        history.apply(Split(parent.index, at))


def test_a_change_that_would_open_too_many_shards_is_refused() -> None:
    history = ShardHistory(6_000)
    with pytest.raises(InvalidArgument, match=str(resharding.OPEN_SHARD_COUNT_MAX)):
        history.apply(Scale(10_001))


def assert_equal_widths(history: ShardHistory) -> None:
    """Each range begins at its exact fraction, but for the rounding of a creation."""
    starts = [each.starting_hash_key for each in opened(history.shards)]
    count = len(starts)
    assert all(abs(start - place * HASH_KEYS // count) <= count for place, start in enumerate(starts))


def brute_force(stream: Stream, shards: Sequence[Shard], wanted: ShardFilter) -> list[int]:
    """The filters as kinesis.md 6.2 says them, one shard at a time."""
    horizon = max(stream.horizon_millis, stream.created_millis)
    time = max(horizon, wanted.unix_millis or 0)
    kept = []
    for each in shards:
        end = each.closed_millis if each.closed_millis is not None else 10**18
        if end <= stream.horizon_millis:
            continue
        was_open_at = each.created_millis <= time < end
        keep = {
            FilterType.AFTER_SHARD_ID: each.index > (wanted.shard_index or 0),
            FilterType.AT_TRIM_HORIZON: each.created_millis <= horizon < end,
            FilterType.FROM_TRIM_HORIZON: True,
            FilterType.AT_LATEST: each.is_open,
            FilterType.AT_TIMESTAMP: was_open_at,
            FilterType.FROM_TIMESTAMP: each.is_open or end > time,
        }
        assert wanted.type is not None
        if keep[wanted.type]:
            kept.append(each.index)
    return kept


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 6), changes, st.data())
def test_the_six_filters_agree_with_their_definition(
    count: int, steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    history = a_history(count, steps)
    times = st.sampled_from(sorted({each.created_millis for each in history.shards}))
    stream = history.stream(horizon_millis=data.draw(times | st.just(0)) + data.draw(st.integers(-1, 1)))
    for kind in FilterType:
        is_timed = kind in (FilterType.AT_TIMESTAMP, FilterType.FROM_TIMESTAMP)
        wanted = ShardFilter(
            type=kind,
            shard_index=data.draw(st.integers(0, 30)) if kind is FilterType.AFTER_SHARD_ID else None,
            unix_millis=data.draw(times) + data.draw(st.integers(-1, 1)) if is_timed else None,
        )
        found = [each.index for each in select(stream, history.shards, wanted)]
        assert found == brute_force(stream, history.shards, wanted), kind


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 6), changes, st.integers(-10, 40_000_000), st.integers(-10, 40_000_000))
def test_the_shards_that_were_open_at_a_time_cover_the_hash_keys(
    count: int, steps: list[tuple[str, int, int]], horizon: int, time: int
) -> None:
    history = a_history(count, steps)
    stream = history.stream(horizon_millis=NOW - 12_000_000 + horizon)
    for wanted in (
        ShardFilter(type=FilterType.AT_TIMESTAMP, unix_millis=NOW - 12_000_000 + time),
        ShardFilter(type=FilterType.AT_TRIM_HORIZON),
        ShardFilter(type=FilterType.AT_LATEST),
    ):
        found = sorted(select(stream, history.shards, wanted), key=lambda each: each.starting_hash_key)
        assert (found[0].starting_hash_key, found[-1].ending_hash_key) == (0, HASH_KEYS - 1)
        assert all(a.ending_hash_key + 1 == b.starting_hash_key for a, b in itertools.pairwise(found))
