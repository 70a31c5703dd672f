"""Every key finds the one open shard that owns it."""

from __future__ import annotations

import hashlib
import itertools

from hypothesis import given
from hypothesis import strategies as st

from stream_service.core import router, shard
from tests.support.stream_shards import a_shard, shards_of

HASH_KEYS = 1 << 128


@given(st.integers(1, 300), st.integers(0, HASH_KEYS - 1))
def test_a_hash_key_finds_the_shard_whose_range_holds_it(count: int, hash_key: int) -> None:
    shards = shards_of(count)
    key = router.Router(shards).shard_key(hash_key)
    (found,) = [each for each in shards if each.starting_hash_key <= hash_key <= each.ending_hash_key]
    assert key == found.key


@given(st.integers(1, 10_000))
def test_uniform_ranges_cover_the_hash_keys_each_once(count: int) -> None:
    ranges = shard.uniform_ranges(count)
    assert len(ranges) == count
    assert (ranges[0][0], ranges[-1][1]) == (0, HASH_KEYS - 1)
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(ranges))
    widths = [high - low + 1 for low, high in ranges]
    assert len(set(widths[:-1])) <= 1
    assert 0 <= widths[-1] - widths[0] < count


def test_a_closed_shard_gets_nothing() -> None:
    parent = a_shard(0, low=0, high=HASH_KEYS - 1, is_open=False)
    children = [a_shard(1, low=0, high=99), a_shard(2, low=100, high=HASH_KEYS - 1)]
    table = router.Router([parent, *children])
    assert [table.shard_key(hash_key) for hash_key in (0, 99, 100, HASH_KEYS - 1)] == [1001, 1001, 1002, 1002]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_the_hash_key_is_the_md5_of_the_utf8_bytes(key: str) -> None:
    digest = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    assert router.hash_key_of(key) == int(digest, 16)


@given(st.integers(0, HASH_KEYS - 1))
def test_an_explicit_hash_key_is_its_decimal_text(hash_key: int) -> None:
    assert router.parse_hash_key(str(hash_key)) == hash_key


def test_what_is_not_a_hash_key_is_none() -> None:
    for text in (
        "",
        "-1",
        "+1",
        "01",
        "00",
        "1.0",
        "0x1",
        " 1",
        "1 ",
        "٣",
        "²",
        "1_0",
        str(HASH_KEYS),
        "9" * 39,
        "1" * 40,
    ):
        assert router.parse_hash_key(text) is None
    assert router.parse_hash_key("0") == 0
