"""Records become batches of the right size, in order, each record once."""

from hypothesis import given
from hypothesis import strategies as st

from mapping_service.core.batcher import Batcher
from mapping_service.core.policy import Policy
from tests.support.records import a_page, numbers_of


def _filled(sizes: list[int], page_size: int, policy: Policy) -> Batcher:
    batcher = Batcher()
    for start in range(0, len(sizes), page_size):
        part = sizes[start : start + page_size]
        page = a_page(range(start + 1, start + 1 + len(part)), sizes=part)
        batcher.add(page.whole(), policy, monotonic=0.0)
    return batcher


@given(
    sizes=st.lists(st.integers(8, 60), max_size=40),
    page_size=st.integers(1, 9),
    batch_size=st.integers(1, 10),
    bytes_max=st.integers(8, 120),
)
def test_batches_are_as_full_as_they_may_be(sizes: list[int], page_size: int, batch_size: int, bytes_max: int) -> None:
    policy = Policy(batch_size=batch_size, payload_bytes_max=bytes_max)
    batcher = _filled(sizes, page_size, policy)

    seen: list[int] = []
    while (batch := batcher.take_due(policy, monotonic=0.0, is_last=False)) is not None:
        numbers = numbers_of(batch)
        seen += numbers
        assert len(numbers) <= batch_size
        assert batch.size_bytes <= bytes_max or len(numbers) == 1
        rest = sizes[numbers[-1] :]
        assert len(numbers) == batch_size or not rest or batch.size_bytes + rest[0] > bytes_max

    assert seen == list(range(1, len(sizes) + 1))
    assert batcher.is_empty


def test_a_record_larger_than_the_limit_is_a_batch_of_its_own_d3() -> None:
    policy = Policy(payload_bytes_max=20)
    batcher = _filled([8, 99, 8], 3, policy)

    batches = [batcher.take_due(policy, monotonic=0.0, is_last=False) for _ in range(3)]

    assert [numbers_of(batch) for batch in batches if batch] == [[1], [2], [3]]


def test_a_batch_that_cannot_take_the_next_record_does_not_wait_for_its_window() -> None:
    policy = Policy(payload_bytes_max=20, batching_window_seconds=300)
    batcher = _filled([8, 8, 8], 3, policy)

    batch = batcher.take_due(policy, monotonic=1.0, is_last=False)

    assert batch is not None
    assert numbers_of(batch) == [1, 2]
    assert batcher.take_due(policy, monotonic=1.0, is_last=False) is None


def test_a_window_that_is_made_shorter_is_due_at_once() -> None:
    batcher = _filled([8], 1, Policy(batching_window_seconds=300))

    assert batcher.take_due(Policy(batching_window_seconds=1), monotonic=2.0, is_last=False) is not None


@given(numbers=st.lists(st.integers(1, 99), min_size=1, max_size=20, unique=True).map(sorted), below=st.integers(0, 99))
def test_what_lies_below_a_number_is_taken_first(numbers: list[int], below: int) -> None:
    policy = Policy()
    batcher = Batcher()
    batcher.add(a_page(numbers).whole(), policy, monotonic=0.0)

    taken = batcher.take_below(below, policy)

    expected = [number for number in numbers if number < below]
    assert (numbers_of(taken) if taken else []) == expected
    assert batcher.first == next((number for number in numbers if number >= below), None)
