from __future__ import annotations

import asyncio

import pytest
from millrace_sdk import budget
from millrace_sdk.put import Put

pytestmark = pytest.mark.asyncio


def a_put(size_bytes: int = 1) -> Put:
    future = asyncio.get_running_loop().create_future()
    return Put(future, b"", "key", "", size_bytes, 0.0)


async def test_what_fits_goes_at_once_and_the_rest_in_turn() -> None:
    gone: list[Put] = []
    room = budget.Budget(records_max=2, bytes_max=100)
    puts = [a_put() for _ in range(4)]

    for one in puts:
        room.admit(gone.append, one)
    assert gone == puts[:2]
    room.release(1, 1)

    assert gone == puts[:3]


async def test_a_small_put_never_overtakes_a_large_one_that_waits() -> None:
    gone: list[Put] = []
    room = budget.Budget(records_max=10, bytes_max=100)
    first, large, small = a_put(60), a_put(60), a_put(1)

    for one in (first, large, small):
        room.admit(gone.append, one)
    assert gone == [first]
    room.release(1, 60)

    assert gone == [first, large, small]


async def test_a_record_larger_than_the_budget_goes_alone() -> None:
    gone: list[Put] = []
    room = budget.Budget(records_max=10, bytes_max=100)
    large, small = a_put(500), a_put(1)

    room.admit(gone.append, large)
    room.admit(gone.append, small)
    assert gone == [large]
    room.release(1, 500)

    assert gone == [large, small]


async def test_one_that_is_cancelled_while_it_waits_never_goes() -> None:
    gone: list[Put] = []
    room = budget.Budget(records_max=1, bytes_max=100)
    first, cancelled, last = a_put(), a_put(), a_put()
    for one in (first, cancelled, last):
        room.admit(gone.append, one)

    cancelled.future.cancel()
    room.release(1, 1)

    assert gone == [first, last]


async def test_idle_is_when_nothing_is_on_its_way() -> None:
    room = budget.Budget(records_max=1, bytes_max=100)
    room.admit(lambda put: None, a_put())
    waiting = asyncio.ensure_future(room.idle())
    await asyncio.sleep(0)
    assert not waiting.done()

    room.release(1, 1)
    await waiting
