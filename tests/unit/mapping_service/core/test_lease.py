"""When a lease may be taken (rule K1): counters are watched on the watcher's own clock."""

from mapping_service.core import lease as leases
from mapping_service.core.lease import Lease, Take, Watch


def a_lease(owner: str | None, *, ended: bool = False) -> Lease:
    return Lease(mapping_id="m", shard_id="s", stream_id="i", owner=owner, epoch=3, checkpoint=0, ended=ended)


def test_k1_a_released_lease_may_be_taken_at_once() -> None:
    assert Watch(worker_id="me").takes([a_lease(None)], monotonic=0.0) == [
        Take(mapping_id="m", shard_id="s", seen_owner=None, seen_counter=None)
    ]


def test_k1_a_lease_is_taken_when_its_owner_stood_still_for_the_lease_time_and_a_quarter() -> None:
    watch = Watch(worker_id="me", lease_seconds=10)
    watch.see({"me": 1, "other": 7}, monotonic=100.0)
    watch.see({"me": 2, "other": 7}, monotonic=112.4)

    assert watch.takes([a_lease("other")], monotonic=112.4) == []
    assert watch.takes([a_lease("other")], monotonic=112.5) == [
        Take(mapping_id="m", shard_id="s", seen_owner="other", seen_counter=7)
    ]


def test_k1_an_owner_that_moves_keeps_its_leases() -> None:
    watch = Watch(worker_id="me", lease_seconds=10)
    for second in range(0, 100, 3):
        watch.see({"other": second}, monotonic=float(second))
        assert watch.takes([a_lease("other")], monotonic=float(second)) == []


def test_k1_patience_begins_when_this_worker_first_looks() -> None:
    watch = Watch(worker_id="me", lease_seconds=10)
    watch.see({"other": 7}, monotonic=1_000_000.0)

    assert watch.takes([a_lease("other")], monotonic=1_000_000.0) == []


def test_k1_an_owner_without_a_counter_is_gone() -> None:
    assert len(Watch(worker_id="me").takes([a_lease("other")], monotonic=0.0)) == 1


def test_own_leases_and_those_of_shards_that_are_done_are_left_alone() -> None:
    assert Watch(worker_id="me").takes([a_lease("me"), a_lease(None, ended=True)], monotonic=0.0) == []


def test_k1_a_row_that_is_still_ours_is_adopted() -> None:
    assert leases.is_still_ours(a_lease("me"), worker_id="me")
    assert not leases.is_still_ours(a_lease("other"), worker_id="me")
    assert not leases.is_still_ours(None, worker_id="me")
