"""Mappings from their creation to their end, and what a restart finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from mapping_service.core import errors
from mapping_service.core.answer import Answer, Answered, CallFailed
from mapping_service.core.lease import NewLease
from mapping_service.core.mapping import MappingState, StartingPosition
from mapping_service.core.policy import Policy
from mapping_service.core.ports import DEAD_LETTER_MILLIS, Call, ResolvedStart
from mapping_service.pollers import supervisor as supervision
from mapping_service.service import MappingChange
from tests.support.mapping_stores import SHARDS, a_dead_letter, a_mapping
from tests.support.poller_world import PollerWorld

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def mill() -> AsyncIterator[PollerWorld]:
    """A running service with the stream orders of two shards."""
    made = PollerWorld()
    made.streams.create("orders", 2)
    await made.begin()
    yield made
    made.handlers.handle = None
    await made.stop()


class Gate:
    """A handler that answers when it is told to."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def __call__(self, call: Call) -> Answer:
        await self.opened.wait()
        return Answered()


async def test_a_new_mapping_becomes_enabled_and_its_records_are_delivered(mill: PollerWorld) -> None:
    mill.streams.put("orders", 1, 2, 3)
    mapping = await mill.map()
    mill.streams.put("orders", 4, shard=1)
    await mill.quiet()

    assert mapping.state == MappingState.ENABLED
    assert mill.handlers.batches == mill.handlers.payloads == [[1, 2, 3], [4]]
    assert mill.checkpoints() == {SHARDS[0]: 3, SHARDS[1]: 4}
    await mill.pass_time(1)
    assert mill.result() == "OK"


async def test_a_call_carries_where_it_comes_from(mill: PollerWorld) -> None:
    await mill.map()
    mill.streams.put("orders", 1)
    await mill.quiet()

    call = mill.handlers.calls[0]
    assert (call.mapping_id, call.event_source, call.shard_id) == ("m-1", "streams/orders", SHARDS[0])
    assert (call.attempt, call.epoch) == (1, 2)


async def test_a_slow_shard_does_not_delay_another(mill: PollerWorld) -> None:
    gate = Gate()

    async def handle(call: Call) -> Answer:
        return await gate(call) if call.shard_id == SHARDS[0] else Answered()

    mill.handlers.handle = handle
    await mill.map()
    mill.streams.put("orders", 1)
    mill.streams.put("orders", 2, shard=1)
    await mill.quiet()
    mill.streams.put("orders", 3, shard=1)
    await mill.quiet()

    assert mill.checkpoints() == {SHARDS[0]: 0, SHARDS[1]: 3}
    gate.opened.set()
    await mill.quiet()
    assert mill.checkpoints() == {SHARDS[0]: 1, SHARDS[1]: 3}


async def test_an_idle_shard_costs_no_calls(mill: PollerWorld) -> None:
    await mill.map()
    reads, listings = len(mill.streams.reads), mill.streams.listings

    await mill.pass_time(300)
    for _ in range(10):
        await mill.supervisor.run_once()

    assert (len(mill.streams.reads), mill.streams.listings) == (reads, listings)
    assert mill.streams.watching == 2


async def test_k2_latest_is_resolved_when_the_mapping_is_created_and_not_again(mill: PollerWorld) -> None:
    mill.streams.put("orders", 5)
    draft = a_mapping(starting_position=StartingPosition.LATEST)
    await mill.mappings.create(draft, request=None, validate_only=False)
    mill.streams.put("orders", 6)
    after = mill.crash()
    await after.begin()

    assert after.handlers.batches == [[6]]
    await after.stop()


async def test_k2_a_mapping_waits_for_its_stream_and_reads_it_from_its_beginning(mill: PollerWorld) -> None:
    mapping = await mill.map(event_source="streams/late", starting_position=StartingPosition.LATEST)
    await mill.pass_time(1)
    assert mapping.state == MappingState.ENABLED
    assert mill.result() == "PROBLEM: stream late not found"

    mill.streams.create("late")
    mill.streams.put("late", 1)
    await mill.quiet()
    assert mill.handlers.batches == [[1]]
    await mill.pass_time(1)
    assert mill.result() == "OK"


async def test_k2_a_new_incarnation_is_read_from_its_beginning_with_a_higher_epoch(mill: PollerWorld) -> None:
    mill.streams.put("orders", 7)
    await mill.map()
    first = mill.handlers.calls[0]
    mill.streams.delete("orders")
    await mill.quiet()
    mill.streams.create("orders", 1)
    mill.streams.put("orders", 3)
    await mill.quiet()

    assert mill.handlers.batches == [[7], [3]]
    assert mill.handlers.calls[1].epoch > first.epoch
    assert mill.checkpoints()[SHARDS[0]] == 3


async def test_k2_a_stream_that_was_replaced_unseen_is_found_by_the_sweep(mill: PollerWorld) -> None:
    await mill.map()
    mill.streams.streams["orders"].stream_id = "another"

    assert await mill.supervisor.sweep() == 1
    await mill.quiet()
    assert mill.storage.tables.mappings["m-1"].stream_id == "another"
    assert await mill.supervisor.sweep() == 0


async def test_k3_children_are_read_when_their_parent_is_done_and_not_before(mill: PollerWorld) -> None:
    gate = Gate()
    mill.handlers.handle = gate
    await mill.map()
    mill.streams.put("orders", 1)
    children = mill.streams.split("orders")
    mill.streams.put("orders", 5, shard=2)
    await mill.supervisor.sweep()
    await mill.quiet()
    assert mill.handlers.batches == [[1]]

    gate.opened.set()
    await mill.quiet()

    assert mill.handlers.batches == [[1], [5]]
    assert mill.storage.tables.leases["m-1", SHARDS[0]].ended
    assert mill.checkpoints()[children[0]] == 5
    assert mill.checkpoints()[children[1]] == 0


async def test_k3_a_shard_that_the_stream_does_not_list_any_more_is_retired(mill: PollerWorld) -> None:
    await mill.map()
    mill.streams.put("orders", 1)
    mill.streams.split("orders")
    await mill.quiet()
    del mill.streams.streams["orders"].shards[SHARDS[0]]

    await mill.supervisor.sweep()
    await mill.quiet()

    assert ("m-1", SHARDS[0]) not in mill.storage.tables.leases


async def test_k4_a_restart_goes_on_with_the_attempts_of_a_failing_batch(mill: PollerWorld) -> None:
    async def fail(call: Call) -> Answer:
        return CallFailed(code="INTERNAL", message="no")

    mill.handlers.handle = fail
    await mill.map(policy=Policy(maximum_retry_attempts=3))
    mill.streams.put("orders", 1)
    await mill.pass_time(1)
    seen = [call.attempt for call in mill.handlers.calls]
    after = mill.crash()
    after.handlers.handle = fail
    await after.begin()
    await after.pass_time(20)

    attempts = [*seen, *(call.attempt for call in after.handlers.calls)]
    assert attempts == [1, 2, 3, 4]
    assert len({call.invocation_id for call in (*mill.handlers.calls, *after.handlers.calls)}) == 1
    assert [letter.attempts for letter in after.storage.tables.dead_letters.values()] == [4]
    await after.stop()


async def test_k1_a_restart_takes_all_leases_and_calls_with_a_higher_epoch(mill: PollerWorld) -> None:
    await mill.map()
    mill.streams.put("orders", 1)
    await mill.quiet()
    after = mill.crash()
    mill.streams.put("orders", 2)
    await after.begin()

    assert after.handlers.batches == [[2]]
    assert after.handlers.calls[0].epoch > mill.handlers.calls[0].epoch
    assert set(after.storage.tables.workers) == {"worker-next"}
    await after.stop()


async def test_k1_a_poller_whose_lease_was_taken_stops_and_its_checkpoint_is_refused(mill: PollerWorld) -> None:
    gate = Gate()
    mill.handlers.handle = gate
    await mill.map()
    mill.streams.put("orders", 1)
    await mill.quiet()
    await mill.storage.write(lambda stores: (stores.leases.heartbeat("other"), stores.leases.take_all("other")))
    gate.opened.set()
    await mill.quiet()

    assert mill.checkpoints()[SHARDS[0]] == 0
    runner = mill.supervisor.runner("m-1")
    assert runner is not None
    assert SHARDS[0] not in [poller.shard_id for poller in runner.pollers]


async def test_k1_another_worker_takes_over_after_a_lease_time_and_a_quarter(mill: PollerWorld) -> None:
    gate = Gate()
    mill.handlers.handle = gate
    mapping = await mill.map()
    mill.streams.put("orders", 1)
    await mill.quiet()
    other = mill.beside("other")
    await other.supervisor.run_once()
    other.supervisor.notice(mapping)
    await other.quiet()

    other.clock.advance(12.4)
    await other.supervisor.run_once()
    await other.quiet()
    assert other.handlers.batches == []
    other.clock.advance(0.1)
    await other.supervisor.run_once()
    await other.quiet()
    mill.streams.put("orders", 2)
    gate.opened.set()
    await mill.quiet()

    assert other.handlers.batches == [[1], [2]]
    assert mill.handlers.batches == [[1]]
    assert other.handlers.calls[0].epoch > mill.handlers.calls[0].epoch
    await other.stop()


async def test_k1_a_worker_that_moves_keeps_its_leases(mill: PollerWorld) -> None:
    mapping = await mill.map()
    other = mill.beside("other")
    other.supervisor.notice(mapping)
    for _ in range(20):
        await mill.supervisor.run_once()
        other.clock.advance(3.3)
        await other.supervisor.run_once()
        await other.quiet()

    assert {lease.owner for lease in mill.storage.tables.leases.values()} == {"worker"}
    await other.stop()


async def test_a_disabled_mapping_keeps_its_place(mill: PollerWorld) -> None:
    await mill.map()
    await mill.mappings.update(MappingChange(mapping_id="m-1", enabled=False), validate_only=False)
    await mill.quiet()
    assert (await mill.mappings.get("m-1")).state == MappingState.DISABLED
    mill.streams.put("orders", 1)
    await mill.quiet()
    assert mill.handlers.batches == []
    assert mill.streams.watching == 0

    await mill.mappings.update(MappingChange(mapping_id="m-1", enabled=True), validate_only=False)
    await mill.quiet()
    assert (await mill.mappings.get("m-1")).state == MappingState.ENABLED
    assert mill.handlers.batches == [[1]]


async def test_a_mapping_created_disabled_becomes_disabled(mill: PollerWorld) -> None:
    assert (await mill.map(enabled=False)).state == MappingState.DISABLED


async def test_a_mapping_in_transition_cannot_be_changed(mill: PollerWorld) -> None:
    gate = Gate()
    mill.handlers.handle = gate
    await mill.map()
    mill.streams.put("orders", 1)
    await mill.quiet()
    await mill.mappings.update(MappingChange(mapping_id="m-1", enabled=False), validate_only=False)
    await mill.quiet()

    with pytest.raises(errors.MappingInUse):
        await mill.mappings.delete("m-1", etag=None)
    gate.opened.set()
    await mill.quiet()
    assert mill.checkpoints()[SHARDS[0]] == 1
    await mill.mappings.delete("m-1", etag=None)


async def test_a_changed_knob_is_followed_without_losing_the_place(mill: PollerWorld) -> None:
    await mill.map()
    await mill.mappings.update(MappingChange(mapping_id="m-1", knobs={"batch_size": 1}), validate_only=False)
    await mill.quiet()
    mill.streams.put("orders", 1, 2)
    await mill.quiet()

    assert (await mill.mappings.get("m-1")).state == MappingState.ENABLED
    assert mill.handlers.batches == [[1], [2]]


async def test_a_deleted_mapping_finishes_its_batch_and_is_gone(mill: PollerWorld) -> None:
    gate = Gate()
    mill.handlers.handle = gate
    await mill.map()
    mill.streams.put("orders", 1)
    await mill.quiet()

    deleted = await mill.mappings.delete("m-1", etag=None)
    await mill.quiet()
    assert deleted.state == (await mill.mappings.get("m-1")).state == MappingState.DELETING
    gate.opened.set()
    await mill.quiet()

    with pytest.raises(errors.MappingNotFound):
        await mill.mappings.get("m-1")
    assert not mill.storage.tables.leases
    assert mill.supervisor.runner("m-1") is None


async def test_a_handler_that_is_not_registered_costs_no_attempt_and_says_so(mill: PollerWorld) -> None:
    await mill.map(policy=Policy(maximum_retry_attempts=0))
    handler = mill.world.directory.get("bill")
    assert handler is not None
    mill.world.directory.remove("bill")
    mill.streams.put("orders", 1)
    await mill.pass_time(3)
    assert mill.result() == "PROBLEM: handler bill is not registered"

    mill.world.directory.put(handler)
    await mill.pass_time(6)
    assert [(call.attempt, call.batch.count) for call in mill.handlers.calls] == [(1, 1)]
    assert not mill.storage.tables.dead_letters


async def test_a_mapping_waits_for_the_stream_service_quietly(mill: PollerWorld) -> None:
    mill.streams.is_up = False
    mapping = await mill.map()
    await mill.pass_time(1)
    assert mapping.state == MappingState.ENABLED
    assert mill.result() == "PROBLEM: the stream service is unavailable"

    mill.streams.is_up = True
    mill.streams.put("orders", 1)
    await mill.pass_time(15)
    assert mill.handlers.batches == [[1]]


async def test_latest_is_refused_while_the_stream_service_is_away(mill: PollerWorld) -> None:
    mill.streams.is_up = False

    with pytest.raises(errors.StreamServiceUnavailable):
        await mill.map(starting_position=StartingPosition.LATEST)


async def test_d5_old_dead_letters_are_trimmed_pass_by_pass(mill: PollerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "TRIM_LIMIT", 2)
    service_millis = mill.world.service_millis()
    assert service_millis is not None
    old = service_millis - DEAD_LETTER_MILLIS
    for number in range(1, 6):
        letter = a_dead_letter(number, create_millis=old - 3 + number)
        mill.storage.tables.dead_letters[letter.dead_letter_id] = letter

    assert await mill.supervisor.trim() == 2
    assert sorted(mill.storage.tables.dead_letters) == ["d-3", "d-4", "d-5"]


async def test_a_stop_waits_for_the_handler_and_stores_the_checkpoint() -> None:
    mill = PollerWorld()
    mill.streams.create("orders")
    await mill.begin()
    gate = Gate()
    mill.handlers.handle = gate
    await mill.map()
    mill.streams.put("orders", 1)
    await mill.quiet()

    stopping = asyncio.create_task(mill.stop())
    await mill.quiet()
    assert not stopping.done()
    gate.opened.set()
    await stopping

    assert mill.checkpoints() == {SHARDS[0]: 1}
    assert not mill.storage.tables.workers
    assert {lease.owner for lease in mill.storage.tables.leases.values()} == {None}


async def test_a_stop_cuts_off_a_call_that_takes_too_long_and_it_costs_no_attempt() -> None:
    mill = PollerWorld()
    mill.streams.create("orders")
    await mill.begin()
    mill.handlers.handle = Gate()
    await mill.map()
    mill.streams.put("orders", 1)
    await mill.quiet()

    await mill.supervisor.stop(timeout_seconds=0)
    await mill.quiet()

    assert mill.handlers.cancelled == 1
    assert mill.checkpoints() == {SHARDS[0]: 0}
    assert mill.storage.tables.leases["m-1", SHARDS[0]].state is None


async def test_nothing_is_held_of_the_budget_once_all_pollers_stopped(mill: PollerWorld) -> None:
    await mill.map()
    mill.streams.put("orders", *range(1, 50))
    await mill.quiet()
    await mill.mappings.delete("m-1", etag=None)
    await mill.quiet()

    assert mill.world.budget.used_bytes == 0


async def test_a_child_whose_parent_has_no_row_waits() -> None:
    mill = PollerWorld()
    mill.streams.create("orders")
    mill.streams.split("orders")
    await mill.begin()
    mapping = a_mapping()
    stream_id = mill.streams.streams["orders"].stream_id
    start = ResolvedStart(stream_id=stream_id, leases=(NewLease(shard_id="shardId-000000000001"),))
    await mill.storage.write(lambda stores: stores.mappings.create(mapping, start=start))
    mill.streams.put("orders", 9, shard=1)
    mill.handlers.handle = Gate()
    mill.streams.put("orders", 1)
    mill.supervisor.notice(mapping)
    await mill.quiet()

    assert mill.handlers.batches == [[1]]
    await mill.supervisor.stop(timeout_seconds=0)
