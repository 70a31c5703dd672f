"""Batches are slices of pages: cutting them keeps every byte and every number."""

from hypothesis import given
from hypothesis import strategies as st

from mapping_service.core.batch import Batch
from mapping_service.core.page import PageSlice
from mapping_service.core.work_stack import clip
from tests.support.records import a_batch, a_page, numbers_in, numbers_of

NUMBERS = st.lists(st.integers(1, 1000), min_size=2, max_size=20, unique=True).map(sorted)


def _in_pages(numbers: list[int], page_size: int) -> Batch:
    pages = [a_page(numbers[start : start + page_size]) for start in range(0, len(numbers), page_size)]
    return Batch(tuple(page.whole() for page in pages))


@given(numbers=NUMBERS, page_size=st.integers(1, 7), data=st.data())
def test_a_split_keeps_all_records_in_order(numbers: list[int], page_size: int, data: st.DataObject) -> None:
    batch = _in_pages(numbers, page_size)
    count = data.draw(st.integers(1, len(numbers) - 1))

    left, right = batch.split(count)

    assert numbers_of(left) + numbers_of(right) == numbers
    assert numbers_in(left.payload()) + numbers_in(right.payload()) == numbers
    assert (left.count, left.last, right.first) == (count, numbers[count - 1], numbers[count])
    assert left.size_bytes + right.size_bytes == batch.size_bytes == 8 * len(numbers)


@given(numbers=NUMBERS, page_size=st.integers(1, 7), sought=st.integers(0, 1001))
def test_a_record_is_found_by_its_number(numbers: list[int], page_size: int, sought: int) -> None:
    batch = _in_pages(numbers, page_size)

    assert batch.index_of(sought) == (numbers.index(sought) if sought in numbers else None)
    assert batch.count_up_to(sought) == sum(number <= sought for number in numbers)


@given(numbers=NUMBERS, after=st.integers(0, 1001), upto=st.none() | st.integers(0, 1001))
def test_a_page_is_clipped_to_what_was_asked_for(numbers: list[int], after: int, upto: int | None) -> None:
    piece = clip(a_page(numbers), after=after, upto=upto)

    wanted = [number for number in numbers if number > after and (upto is None or number <= upto)]
    assert (numbers_of(Batch((piece,))) if piece else []) == wanted


def test_no_page_is_clipped_to_nothing() -> None:
    assert clip(None, after=0) is None


def test_fitting_counts_key_and_data_but_not_the_encoding() -> None:
    page = a_page([1, 2, 3], sizes=[10, 10, 10])

    assert [page.whole().fitting(limit) for limit in (9, 10, 29, 30)] == [0, 1, 2, 3]
    assert PageSlice(page, 1, 3).fitting(10) == 1


def test_a_payload_is_not_copied_before_it_is_joined() -> None:
    batch = a_batch([1, 2, 3])

    (part,) = batch.parts()
    assert part.obj is batch.slices[0].page.payload
