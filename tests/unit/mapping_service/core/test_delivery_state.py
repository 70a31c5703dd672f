"""The stored delivery state (rule K4)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping_service.core import delivery_state
from mapping_service.core.delivery_state import DeliveryState, StateNotReadable
from mapping_service.core.work import Work

WORKS = st.builds(
    Work,
    first=st.integers(1, 2**63 - 1),
    last=st.integers(1, 2**63 - 1),
    count=st.integers(1, 10_000),
    attempts=st.integers(0, 10_001),
    breaks=st.integers(0, 2),
    last_error=st.text(max_size=20),
)


@given(failing=st.lists(WORKS, min_size=1, max_size=5), backoff_millis=st.integers(0, 60_000))
def test_k4_what_is_stored_is_read_again(failing: list[Work], backoff_millis: int) -> None:
    state = DeliveryState(checkpoint=0, failing=tuple(failing), backoff_seconds=backoff_millis / 1000)

    assert delivery_state.decode(delivery_state.encode(state), checkpoint=0) == state


def test_nothing_is_stored_while_nothing_fails() -> None:
    assert delivery_state.encode(DeliveryState(checkpoint=5)) is None
    assert delivery_state.decode(None, checkpoint=5) == DeliveryState(checkpoint=5)


def test_the_document_says_its_version_and_one_checkpoint_a_lane() -> None:
    work = Work(first=6, last=9, count=4, attempts=2)
    text = delivery_state.encode(DeliveryState(checkpoint=5, failing=(work,), backoff_seconds=0.35))

    entry = {"first": 6, "last": 9, "count": 4, "attempts": 2}
    lane = {"checkpoint": 5, "backoff_millis": 350, "failing": [entry]}
    assert text is not None
    assert json.loads(text) == {"version": 1, "lanes": [lane]}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version":2,"lanes":[]}', '{"version":1,"lanes":[{}]}'])
def test_a_state_that_is_damaged_or_of_a_later_version_is_refused(text: str) -> None:
    with pytest.raises(StateNotReadable):
        delivery_state.decode(text, checkpoint=0)
