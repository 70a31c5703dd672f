"""Iterators and page tokens say exactly what they were made to say, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_service.core import errors, iterator, reading, sequence

NOW = 1_700_000_000_000
STREAM_ID = "6b1f0a52-53a8-4f5e-9d5b-0d9a53f6a001"
signer = iterator.Signer(b"k" * 32)
PLACE = reading.Place(stream_name="orders", stream_id=STREAM_ID, shard_index=3, after=77)


@given(
    st.from_regex(r"[a-zA-Z0-9_.-]{1,128}", fullmatch=True),
    st.uuids(),
    st.integers(0, 2**31 - 1),
    st.integers(0, (1 << 63) - 1),
    st.integers(0, iterator.MAX_AGE_MILLIS),
)
def test_an_iterator_gives_its_place_back(name: str, stream_id: object, index: int, after: int, age: int) -> None:
    place = reading.Place(stream_name=name, stream_id=str(stream_id), shard_index=index, after=after)
    text = signer.iterator(place, now_millis=NOW, nonce=1)
    assert len(text) <= 512
    assert signer.read_iterator(text, now_millis=NOW + age) == place


def test_an_iterator_is_good_for_five_minutes() -> None:
    text = signer.iterator(PLACE, now_millis=NOW, nonce=1)
    assert signer.read_iterator(text, now_millis=NOW + 300_000) == PLACE
    with pytest.raises(errors.ShardIteratorExpired):
        signer.read_iterator(text, now_millis=NOW + 300_001)


def test_two_iterators_of_one_place_differ() -> None:
    assert signer.iterator(PLACE, now_millis=NOW, nonce=1) != signer.iterator(PLACE, now_millis=NOW, nonce=2)


@given(st.data())
def test_a_changed_iterator_is_refused(data: st.DataObject) -> None:
    text = signer.iterator(PLACE, now_millis=NOW, nonce=1)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda each: each != text[place]))
    for changed in (text[:place] + other + text[place + 1 :], text[:place], text[:place] + other + text[place:]):
        with pytest.raises(errors.InvalidShardIterator):
            signer.read_iterator(changed, now_millis=NOW)


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidShardIterator):
        signer.read_iterator(text, now_millis=NOW)
    with pytest.raises(errors.InvalidPageToken):
        signer.read_page_token(text, "streams", now_millis=NOW)


def test_another_service_refuses_it() -> None:
    text = signer.iterator(PLACE, now_millis=NOW, nonce=1)
    with pytest.raises(errors.InvalidShardIterator):
        iterator.Signer(b"x" * 32).read_iterator(text, now_millis=NOW)


def test_a_page_token_is_no_iterator_and_belongs_to_one_list() -> None:
    token = signer.page_token("streams", "b", now_millis=NOW)
    assert signer.read_page_token(token, "streams", now_millis=NOW + 300_000) == "b"
    for scope, now in (("shards of x", NOW), ("streams", NOW + 300_001)):
        with pytest.raises(errors.InvalidPageToken):
            signer.read_page_token(token, scope, now_millis=now)
    with pytest.raises(errors.InvalidShardIterator):
        signer.read_iterator(token, now_millis=NOW)
    with pytest.raises(errors.InvalidPageToken):
        signer.read_page_token(signer.iterator(PLACE, now_millis=NOW, nonce=1), "streams", now_millis=NOW)


def test_the_largest_number_fits() -> None:
    place = reading.Place(stream_name="o", stream_id=STREAM_ID, shard_index=0, after=sequence.first_of(1 << 42))
    assert signer.read_iterator(signer.iterator(place, now_millis=NOW, nonce=0), now_millis=NOW) == place
