from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from millrace_cli.demo import tally
from millrace_cli.demo.tally import Delivery, Outage, Sent


def sent(*networks: str) -> dict[str, Sent]:
    """Records that were put one second apart: number "0", "1" and so on."""
    return {str(index): Sent(network, index, float(index)) for index, network in enumerate(networks)}


def delivered(*numbers: int, after: float = 0.1) -> list[Delivery]:
    """Deliveries in this order, each so long after its put."""
    return [Delivery(str(number), number + after) for number in numbers]


def test_each_record_once_and_in_order_is_good() -> None:
    found = tally.tally(sent("a", "b", "a"), delivered(0, 1, 2), None)

    assert (found.records_put, found.records_delivered, found.records_redelivered) == (3, 3, 0)
    assert (found.records_lost, found.out_of_order, found.is_good) == (0, 0, True)
    assert found.with_outage.median_millis == pytest.approx(100)
    assert found.records_a_second == pytest.approx(3 / 2.1)


def test_a_record_that_never_came_is_lost() -> None:
    found = tally.tally(sent("a", "a", "a"), delivered(0, 2), None)

    assert (found.records_lost, found.is_good) == (1, False)


def test_a_record_that_came_again_is_redelivered_and_not_out_of_order() -> None:
    found = tally.tally(sent("a", "a"), delivered(0, 1, 0, 1), None)

    assert (found.records_redelivered, found.out_of_order, found.is_good) == (2, 0, True)


def test_a_first_delivery_after_a_later_one_of_its_network_is_out_of_order() -> None:
    found = tally.tally(sent("a", "b", "a", "b"), delivered(2, 0, 1, 3), None)

    assert (found.out_of_order, found.is_good) == (1, False)


def test_nothing_put_is_not_good() -> None:
    assert not tally.tally({}, [], None).is_good


def test_records_on_their_way_during_the_outage_are_left_out_of_the_times_without_it() -> None:
    before, during, after = Delivery("0", 0.1), Delivery("1", 5.0), Delivery("2", 6.2)
    put = {"0": Sent("a", 0, 0.0), "1": Sent("a", 1, 3.0), "2": Sent("a", 2, 6.0)}

    found = tally.tally(put, [before, during, after], Outage(begin=2.0, end=5.0))

    assert found.without_outage.percentile_99_millis == pytest.approx(200)
    assert found.with_outage.percentile_99_millis == pytest.approx(2000)


@given(st.permutations(range(8)), st.lists(st.integers(0, 7)))
def test_repeats_after_all_first_deliveries_change_nothing_but_their_count(order: list[int], again: list[int]) -> None:
    put = sent(*"abababab")

    once = tally.tally(put, delivered(*order), None)
    more = tally.tally(put, delivered(*order, *again), None)

    assert more.records_redelivered == len(again)
    assert (more.records_lost, more.out_of_order) == (once.records_lost, once.out_of_order) == (0, once.out_of_order)
    assert (once.out_of_order == 0) == all(
        list(filter(lambda number: number % 2 == odd, order)) == sorted(filter(lambda n: n % 2 == odd, order))
        for odd in (0, 1)
    )
