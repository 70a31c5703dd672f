from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from millrace.stream.v1 import stream_pb2
from millrace_sdk import put, shard_map


@given(st.text(min_size=1, max_size=256).filter(lambda text: text.isprintable()))
def test_a_hash_key_is_the_md5_of_the_key_as_a_number(key: str) -> None:
    expected = int(hashlib.md5(key.encode()).hexdigest(), 16)

    assert put.hash_of(key) == expected


@pytest.mark.parametrize("text", ["", "-1", "+1", "01", "1 ", "x", "٣", str(2**128), "1" * 400])
def test_an_explicit_hash_key_that_is_no_plain_number_of_the_space_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="explicit_hash_key"):
        put.check_hash_key(text)


@given(st.integers(0, 2**128 - 1))
def test_an_explicit_hash_key_of_the_space_is_taken(number: int) -> None:
    put.check_hash_key(str(number))


def test_a_record_beyond_the_request_limit_is_refused_with_its_size() -> None:
    with pytest.raises(ValueError, match="10485761 bytes; at most 10485760"):
        put.checked_size(bytes(10 * 1024 * 1024), "k")


@pytest.mark.parametrize("key", ["", "k" * 257])
def test_a_key_of_a_wrong_length_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="1 to 256 characters"):
        put.checked_size(b"", key)


def test_a_size_counts_the_key_in_utf_8() -> None:
    assert put.checked_size(b"123", "é") == 5


def test_a_key_that_utf_8_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        put.checked_size(b"", "\udc80")


def test_data_may_be_any_bytes_but_no_text_and_no_number() -> None:
    assert put.checked_data(bytearray(b"a")) == b"a"
    assert put.checked_data(memoryview(b"a")) == b"a"
    with pytest.raises(TypeError, match="encode"):
        put.checked_data("text")  # type: ignore[arg-type]  # the mistake that it catches
    with pytest.raises(TypeError):
        put.checked_data(7)  # type: ignore[arg-type]  # bytes(7) would be seven zeros


def a_shard(index: int, start: int, end: int, *, is_open: bool = True) -> stream_pb2.Shard:
    return stream_pb2.Shard(
        shard_id=f"shardId-{index:012}",
        hash_key_range=stream_pb2.HashKeyRange(starting_hash_key=str(start), ending_hash_key=str(end)),
        sequence_number_range=stream_pb2.SequenceNumberRange(ending_sequence_number="" if is_open else "1"),
    )


@given(st.sets(st.integers(1, 2**128 - 1), max_size=8), st.integers(0, 2**128 - 1))
def test_a_hash_key_belongs_to_the_open_shard_whose_range_holds_it(cuts: set[int], hash_key: int) -> None:
    starts = [0, *sorted(cuts)]
    ends = [*(start - 1 for start in starts[1:]), 2**128 - 1]
    shards = [a_shard(index, start, end) for index, (start, end) in enumerate(zip(starts, ends, strict=True))]
    listed = [a_shard(99, 0, 2**128 - 1, is_open=False), *reversed(shards)]

    found = shard_map.ShardMap(listed)

    holder = next(shard for shard, start, end in zip(shards, starts, ends, strict=True) if start <= hash_key <= end)
    assert found.shard_ids[found.index_of(hash_key)] == holder.shard_id
