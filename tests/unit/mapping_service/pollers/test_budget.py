"""Bytes of pages are shared, and none starves the others (rule D4)."""

from __future__ import annotations

import asyncio

import pytest

from mapping_service.pollers.budget import READ_BYTES_MIN, Account, Budget

pytestmark = pytest.mark.asyncio
MIB = 1024 * 1024


async def fill(account: Account, wanted_bytes: int) -> None:
    """Read once and hold all that it brought."""
    granted = await account.reserve(wanted_bytes)
    account.settle(granted, is_reading=False)


async def test_d4_a_lone_poller_gets_what_it_wants() -> None:
    assert await Budget(64 * MIB).open_account().reserve(6 * MIB) == 6 * MIB


async def test_d4_whatever_others_hold_one_that_holds_nothing_gets_an_even_share_at_once() -> None:
    budget = Budget(64 * MIB)
    accounts = [budget.open_account() for _ in range(100)]
    for account in accounts[:-1]:
        await fill(account, 1_000 * MIB)

    assert await accounts[-1].reserve(6 * MIB) >= 64 * MIB // 4 // 100


@pytest.mark.parametrize("pollers", [1, 2, 10, 60, 300])
async def test_d4_all_together_never_hold_more_than_the_budget_however_often_they_read(pollers: int) -> None:
    budget = Budget(64 * MIB)
    accounts = [budget.open_account() for _ in range(pollers)]
    held = dict.fromkeys(accounts, 0)

    async def read_on(account: Account) -> None:
        while True:
            held[account] += await account.reserve(6 * MIB)
            account.settle(held[account], is_reading=False)

    reading = [asyncio.create_task(read_on(account)) for account in accounts]
    for _ in range(200):
        await asyncio.sleep(0)

    assert 40 * MIB <= budget.used_bytes <= 64 * MIB + pollers
    assert all(held.values())
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)


async def test_d4_who_waits_goes_on_when_others_give_back_in_the_order_of_their_coming() -> None:
    budget = Budget(4 * MIB)
    hog, first, second = (budget.open_account() for _ in range(3))
    for account in (hog, first, second):
        account.settle(MIB if account is not hog else 3 * MIB, is_reading=False)
    waiting = [asyncio.create_task(account.reserve(MIB)) for account in (first, second)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)

    hog.settle(7 * MIB // 10, is_reading=False)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [task.done() for task in waiting] == [True, False]

    hog.settle(0, is_reading=False)
    assert all([await task > READ_BYTES_MIN for task in waiting])


async def test_d4_a_poller_that_gives_its_own_bytes_up_need_not_wait() -> None:
    budget = Budget(4 * MIB)
    hog, account = budget.open_account(), budget.open_account()
    account.settle(2 * MIB, is_reading=False)
    hog.settle(100 * MIB, is_reading=False)
    waiting = asyncio.create_task(account.reserve(MIB))
    await asyncio.sleep(0)
    assert not waiting.done()

    account.settle(0, is_reading=True)

    assert await waiting == 4 * MIB // 4 // 2


async def test_d4_a_failing_batch_that_is_read_again_does_not_wait_half_way() -> None:
    budget = Budget(4 * MIB)
    hog, account = budget.open_account(), budget.open_account()
    hog.settle(100 * MIB, is_reading=False)
    account.settle(2 * MIB, is_reading=False)

    assert await account.reserve(3 * MIB, may_wait=False) == 3 * MIB


async def test_d4_what_a_read_did_not_bring_is_given_back() -> None:
    budget = Budget(64 * MIB)
    account = budget.open_account()
    await account.reserve(6 * MIB)
    assert budget.used_bytes == 6 * MIB

    account.settle(100, is_reading=True)
    assert budget.used_bytes == 6 * MIB + 100
    account.settle(200, is_reading=False)
    assert budget.used_bytes == 200
    account.close()
    account.close()
    assert budget.used_bytes == 0


async def test_d4_a_poller_that_ends_while_it_waits_holds_nobody_up() -> None:
    budget = Budget(4 * MIB)
    hog, gone, last = (budget.open_account() for _ in range(3))
    hog.settle(100 * MIB, is_reading=False)
    gone.settle(2 * MIB, is_reading=False)
    last.settle(2 * MIB, is_reading=False)
    waiting = [asyncio.create_task(account.reserve(MIB)) for account in (gone, last)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    gone.close()

    hog.settle(0, is_reading=False)

    assert await waiting[1] > 0


async def test_d4_a_read_may_always_bring_something() -> None:
    budget = Budget(4)
    first, second = budget.open_account(), budget.open_account()
    first.settle(1_000, is_reading=False)

    assert await second.reserve(6 * MIB) == 1
