"""Bytes of pages are shared, and none starves the others (rule D4)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mapping_service.pollers.budget import Budget

MIB = 1024 * 1024


def test_d4_a_lone_poller_gets_what_it_wants() -> None:
    assert Budget(64 * MIB).open_account().reserve(6 * MIB) == 6 * MIB


def test_d4_whatever_others_hold_there_is_an_even_share_left() -> None:
    budget = Budget(64 * MIB)
    accounts = [budget.open_account() for _ in range(100)]
    for account in accounts[:-1]:
        account.settle(account.reserve(1_000 * MIB), is_reading=False)

    assert accounts[-1].reserve(6 * MIB) >= 64 * MIB // 4 // 100


@given(pollers=st.integers(1, 300), wanted=st.integers(1, 100 * MIB))
def test_d4_all_together_never_hold_more_than_the_budget(pollers: int, wanted: int) -> None:
    budget = Budget(64 * MIB)
    accounts = [budget.open_account() for _ in range(pollers)]
    for account in accounts:
        account.settle(account.reserve(wanted), is_reading=False)

    assert budget.used_bytes <= 64 * MIB + pollers


def test_d4_what_a_read_did_not_bring_is_given_back() -> None:
    budget = Budget(64 * MIB)
    account = budget.open_account()
    account.reserve(6 * MIB)
    assert budget.used_bytes == 6 * MIB

    account.settle(100, is_reading=True)
    assert budget.used_bytes == 6 * MIB + 100
    account.settle(200, is_reading=False)
    assert budget.used_bytes == 200
    account.close()
    account.close()
    assert budget.used_bytes == 0


def test_d4_a_read_may_always_bring_something() -> None:
    budget = Budget(4)
    first, second = budget.open_account(), budget.open_account()
    first.settle(1_000, is_reading=False)

    assert second.reserve(6 * MIB) == 1
