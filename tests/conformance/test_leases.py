"""What every LeaseTable promises, with two owners on one table (rules K1 to K4): in memory and on SQLite."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mapping_service.core import errors
from mapping_service.core.lease import NewLease, Take
from mapping_service.core.mapping import MappingState
from mapping_service.core.ports import DeadLetterQuery, ResolvedStart
from mapping_service.stores import Stores
from tests.conformance.mapping_fixtures import stores as stores  # a fixture
from tests.support.mapping_stores import (
    SHARDS,
    a_dead_letter,
    a_mapping_with_leases,
    a_start,
    a_write,
    taken,
)

STATE = '{"version": 1}'


@pytest.fixture(autouse=True)
def mapping(stores: Stores) -> None:
    """A mapping with two shards."""
    a_mapping_with_leases(stores)


def epoch(stores: Stores, shard_id: str = SHARDS[0]) -> int:
    row = stores.leases.read("m-1", shard_id)
    assert row is not None
    return row.epoch


def test_k1_a_heartbeat_raises_the_workers_own_counter(stores: Stores) -> None:
    assert [stores.leases.heartbeat("a"), stores.leases.heartbeat("a"), stores.leases.heartbeat("b")] == [1, 2, 1]
    assert stores.leases.counters() == {"a": 2, "b": 1}


def test_k1_taking_a_lease_raises_its_epoch(stores: Stores) -> None:
    before = epoch(stores)

    lease = taken(stores, "a")

    assert (lease.owner, lease.epoch) == ("a", before + 1)
    assert stores.leases.read("m-1", SHARDS[0]) == lease


def test_k1_no_checkpoint_of_a_stale_owner_is_accepted(stores: Stores) -> None:
    stale = taken(stores, "a")
    stores.leases.checkpoint(a_write(stale, 10))
    fresh = taken(stores, "b")

    with pytest.raises(errors.LeaseLost):
        stores.leases.checkpoint(a_write(stale, 20, state=STATE, dead_letters=(a_dead_letter(),)))

    row = stores.leases.read("m-1", SHARDS[0])
    assert row == replace(fresh, checkpoint=10)
    assert not stores.dead_letters.list(DeadLetterQuery(mapping_id="m-1"), limit=10)


def test_k1_no_checkpoint_of_an_earlier_epoch_is_accepted_from_the_same_owner(stores: Stores) -> None:
    earlier = taken(stores, "a")
    taken(stores, "a")

    with pytest.raises(errors.LeaseLost):
        stores.leases.checkpoint(a_write(earlier, 20))


def test_k1_a_lease_is_not_taken_from_an_owner_that_moved_meanwhile(stores: Stores) -> None:
    taken(stores, "a")
    stores.leases.heartbeat("b")
    seen = Take(mapping_id="m-1", shard_id=SHARDS[0], seen_owner="a", seen_counter=1)
    stores.leases.heartbeat("a")

    assert stores.leases.take(seen, worker_id="b") is None
    assert stores.leases.take(replace(seen, seen_counter=2), worker_id="b") is not None


def test_k1_a_lease_is_taken_once(stores: Stores) -> None:
    stores.leases.heartbeat("a")
    stores.leases.heartbeat("b")
    seen = Take(mapping_id="m-1", shard_id=SHARDS[0], seen_owner=None, seen_counter=None)

    assert stores.leases.take(seen, worker_id="a") is not None
    assert stores.leases.take(seen, worker_id="b") is None


def test_k1_a_worker_without_a_counter_takes_nothing(stores: Stores) -> None:
    seen = Take(mapping_id="m-1", shard_id=SHARDS[0], seen_owner=None, seen_counter=None)

    assert stores.leases.take(seen, worker_id="a") is None


def test_k1_a_lease_of_an_owner_whose_row_is_gone_may_be_taken(stores: Stores) -> None:
    taken(stores, "a")
    stores.leases.heartbeat("b")
    seen = Take(mapping_id="m-1", shard_id=SHARDS[0], seen_owner="a", seen_counter=None)

    assert stores.leases.take(seen, worker_id="b") is None
    stores.leases.remove_worker("a")
    assert stores.leases.take(replace(seen, seen_owner=None), worker_id="b") is not None


def test_k1_a_starting_service_takes_all_leases_with_new_epochs(stores: Stores) -> None:
    a_mapping_with_leases(stores, "m-2")
    stale = taken(stores, "a")
    stores.leases.checkpoint(a_write(taken(stores, "a", shard_id=SHARDS[1]), 9, ended=True))
    stores.leases.heartbeat("b")

    assert stores.leases.take_all("b") == 3

    rows = stores.leases.all_leases()
    assert [(row.mapping_id, row.owner) for row in rows] == [("m-1", "b"), ("m-2", "b"), ("m-2", "b")]
    assert rows[0].epoch == stale.epoch + 1
    assert set(stores.leases.counters()) == {"b"}
    with pytest.raises(errors.LeaseLost):
        stores.leases.checkpoint(a_write(stale, 20))


def test_k1_a_removed_worker_releases_its_leases_and_epochs_stay(stores: Stores) -> None:
    lease = taken(stores, "a")
    other = taken(stores, "b", shard_id=SHARDS[1])

    stores.leases.remove_worker("a")

    assert stores.leases.read("m-1", SHARDS[0]) == replace(lease, owner=None)
    assert stores.leases.read("m-1", SHARDS[1]) == other
    assert set(stores.leases.counters()) == {"b"}
    stores.leases.remove_worker("nobody")


def test_k1_only_the_owner_in_its_epoch_releases(stores: Stores) -> None:
    stale = taken(stores, "a")
    fresh = taken(stores, "b")

    stores.leases.release(stale)
    assert stores.leases.read("m-1", SHARDS[0]) == fresh
    stores.leases.release(fresh)
    assert stores.leases.read("m-1", SHARDS[0]) == replace(fresh, owner=None)


def test_k1_an_epoch_never_goes_back_through_releases_takes_and_incarnations(stores: Stores) -> None:
    seen = [epoch(stores)]
    stores.leases.release(taken(stores, "a"))
    seen.append(epoch(stores))
    taken(stores, "b")
    seen.append(epoch(stores))
    stores.leases.resolve_start("m-1", a_start("stream-2"), seen_stream_id="stream-1")
    seen.append(epoch(stores))
    stores.leases.resolve_start("m-1", ResolvedStart(stream_id="stream-3", leases=()), seen_stream_id="stream-2")
    seen.append(epoch(stores))
    stores.leases.insert("m-1", "stream-3", [NewLease(shard_id=SHARDS[0])])
    seen.append(epoch(stores))

    assert seen == sorted(set(seen))


def test_k2_another_incarnation_replaces_rows_unowned_and_without_state(stores: Stores) -> None:
    lease = taken(stores, "a")
    stores.leases.checkpoint(a_write(lease, 10, state=STATE))

    stores.leases.resolve_start("m-1", a_start("stream-2"), seen_stream_id="stream-1")

    row = stores.leases.read("m-1", SHARDS[0])
    assert row is not None
    assert (row.stream_id, row.owner, row.checkpoint, row.state) == ("stream-2", None, 0, None)
    assert (row.epoch, row.generation) == (lease.epoch + 1, lease.generation + 1)
    assert stores.mappings.get("m-1").stream_id == "stream-2"
    with pytest.raises(errors.LeaseLost):
        stores.leases.checkpoint(a_write(lease, 20))


def test_k2_rows_that_a_new_incarnation_does_not_name_are_stranded(stores: Stores) -> None:
    lease = taken(stores, "a", shard_id=SHARDS[1])
    stores.leases.checkpoint(a_write(lease, 10, state=STATE))
    start = ResolvedStart(stream_id="stream-2", leases=(NewLease(shard_id=SHARDS[0]),))

    stores.leases.resolve_start("m-1", start, seen_stream_id="stream-1")

    row = stores.leases.read("m-1", SHARDS[1])
    assert row is not None
    assert (row.stream_id, row.owner, row.state, row.epoch) == ("stream-1", None, None, lease.epoch + 1)


def test_k2_a_start_is_resolved_once(stores: Stores) -> None:
    stores.leases.resolve_start("m-1", a_start("stream-2", checkpoint=7), seen_stream_id="stream-1")

    with pytest.raises(errors.StartAlreadyResolved):
        stores.leases.resolve_start("m-1", a_start("stream-2", checkpoint=9), seen_stream_id="stream-1")
    with pytest.raises(errors.MappingNotFound):
        stores.leases.resolve_start("m-9", a_start(), seen_stream_id=None)
    assert {row.checkpoint for row in stores.leases.leases("m-1")} == {7}


def test_k2_a_found_shard_is_inserted_only_into_the_incarnation_that_is_read(stores: Stores) -> None:
    kept = taken(stores, "a")
    new = [NewLease(shard_id=SHARDS[0]), NewLease(shard_id="shardId-000000000002")]

    stores.leases.insert("m-1", "stream-9", new)
    stores.leases.insert("m-9", "stream-1", new)
    assert len(stores.leases.leases("m-1")) == 2
    stores.leases.insert("m-1", "stream-1", new)

    assert [row.shard_id for row in stores.leases.leases("m-1")] == [*SHARDS, "shardId-000000000002"]
    assert stores.leases.read("m-1", SHARDS[0]) == kept
    assert not stores.leases.leases("m-9")


def test_k3_the_end_of_a_parent_and_its_childrens_leases_are_one_transaction(stores: Stores) -> None:
    children = (NewLease(shard_id="shardId-000000000002"), NewLease(shard_id="shardId-000000000003"))
    stale = taken(stores, "a")
    fresh = taken(stores, "b")

    with pytest.raises(errors.LeaseLost):
        stores.leases.checkpoint(a_write(stale, 10, ended=True, children=children))
    assert len(stores.leases.leases("m-1")) == 2

    stores.leases.checkpoint(a_write(fresh, 10, ended=True, children=children))
    rows = {row.shard_id: row for row in stores.leases.leases("m-1")}
    assert rows[SHARDS[0]].ended
    assert [rows[child.shard_id].stream_id for child in children] == ["stream-1", "stream-1"]
    assert [rows[child.shard_id].checkpoint for child in children] == [0, 0]


def test_k3_the_second_parent_of_a_merge_keeps_the_childs_row(stores: Stores) -> None:
    child = NewLease(shard_id="shardId-000000000002")
    stores.leases.checkpoint(a_write(taken(stores, "a"), 10, ended=True, children=(child,)))
    row = taken(stores, "a", shard_id=child.shard_id)

    stores.leases.checkpoint(a_write(taken(stores, "a", shard_id=SHARDS[1]), 10, ended=True, children=(child,)))

    assert stores.leases.read("m-1", child.shard_id) == row


def test_k3_an_ended_shard_is_neither_listed_as_work_nor_taken(stores: Stores) -> None:
    stores.leases.checkpoint(a_write(taken(stores, "a"), 10, ended=True))
    seen = Take(mapping_id="m-1", shard_id=SHARDS[0], seen_owner="a", seen_counter=1)

    assert [row.shard_id for row in stores.leases.all_leases()] == [SHARDS[1]]
    assert stores.leases.take(seen, worker_id="a") is None


def test_k3_only_ended_rows_of_this_incarnation_are_retired(stores: Stores) -> None:
    stores.leases.checkpoint(a_write(taken(stores, "a"), 10, ended=True))

    stores.leases.retire("m-1", "stream-9", SHARDS)
    assert len(stores.leases.leases("m-1")) == 2
    stores.leases.retire("m-1", "stream-1", SHARDS)
    assert [row.shard_id for row in stores.leases.leases("m-1")] == [SHARDS[1]]


def test_k4_state_comes_back_with_the_lease_until_a_checkpoint_clears_it(stores: Stores) -> None:
    lease = taken(stores, "a")
    stores.leases.checkpoint(a_write(lease, 10, state=STATE))

    assert stores.leases.read("m-1", SHARDS[0]) == replace(lease, checkpoint=10, state=STATE)
    assert stores.leases.all_leases()[0].state == STATE
    assert taken(stores, "b").state == STATE
    stores.leases.checkpoint(a_write(taken(stores, "b"), 11))
    assert stores.leases.leases("m-1")[0].state is None


def test_k4_a_dead_letter_is_stored_with_the_checkpoint_and_once(stores: Stores) -> None:
    lease = taken(stores, "a")
    letter = a_dead_letter(1)

    stores.leases.checkpoint(a_write(lease, 10, dead_letters=(letter,)))
    stores.leases.checkpoint(a_write(lease, 10, dead_letters=(letter, a_dead_letter(2))))

    assert stores.dead_letters.get("d-1") == letter
    found = stores.dead_letters.list(DeadLetterQuery(mapping_id="m-1"), limit=10)
    assert [each.dead_letter_id for each in found] == ["d-1", "d-2"]


def test_a_deleted_mapping_loses_its_leases(stores: Stores) -> None:
    lease = taken(stores, "a")
    stores.leases.checkpoint(a_write(lease, 10, state=STATE))
    seen = stores.mappings.get("m-1")
    stores.mappings.update(replace(seen, state=MappingState.DELETING), seen=seen)

    stores.mappings.remove("m-1")

    with pytest.raises(errors.LeaseLost):
        stores.leases.checkpoint(a_write(lease, 20))
    assert stores.leases.read("m-1", SHARDS[0]) is None
