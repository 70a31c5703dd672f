"""Which shards are read, from where, in which order (rules K2, K3)."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping_service.core import lineage, names
from mapping_service.core.lease import Lease, NewLease
from mapping_service.core.mapping import StartingPosition
from mapping_service.core.shard_listing import ListedShard, ShardListing


def a_shard(index: int, *parents: int, ended_at: int | None = None) -> ListedShard:
    """A shard by its index; `ended_at` is the time in milliseconds of its last record."""
    return ListedShard(
        shard_id=f"shardId-{index:012d}",
        parent_shard_ids=tuple(f"shardId-{parent:012d}" for parent in parents),
        ending_number=None if ended_at is None else names.first_number_at(ended_at),
    )


def a_listing(*shards: ListedShard) -> ShardListing:
    return ShardListing(stream_id="one", shards=shards)


def rows(*leases: NewLease, stream_id: str = "one") -> list[Lease]:
    """The rows that these leases become."""
    return [
        Lease(
            mapping_id="m",
            shard_id=lease.shard_id,
            stream_id=stream_id,
            owner=None,
            epoch=1,
            checkpoint=lease.checkpoint,
            ended=lease.ended,
        )
        for lease in leases
    ]


def indexes(shard_ids: tuple[str, ...]) -> list[int]:
    return [names.shard_index(shard_id) for shard_id in shard_ids]


# 0 was split into 1 and 2 at time 100; 1 and 3 were merged into 4 at time 200; 3 was there from the start.
HISTORY = a_listing(
    a_shard(0, ended_at=100), a_shard(1, 0, ended_at=200), a_shard(2, 0), a_shard(3, ended_at=150), a_shard(4, 1, 3)
)


@pytest.mark.parametrize(
    ("position", "millis", "initial", "preceding"),
    [
        pytest.param(StartingPosition.TRIM_HORIZON, None, [0, 3], [], id="trim horizon"),
        pytest.param(StartingPosition.LATEST, None, [2, 4], [0, 1, 3], id="latest"),
        pytest.param(StartingPosition.AT_TIMESTAMP, 100, [0, 3], [], id="at the end of the first"),
        pytest.param(StartingPosition.AT_TIMESTAMP, 101, [1, 2, 3], [0], id="after the split"),
        pytest.param(StartingPosition.AT_TIMESTAMP, 151, [1, 2], [0, 3], id="one parent of a merge is over"),
        pytest.param(StartingPosition.AT_TIMESTAMP, 201, [2, 4], [0, 1, 3], id="after the merge"),
    ],
)
def test_k2_a_start_names_the_oldest_shards_that_can_hold_a_wanted_record(
    position: StartingPosition, millis: int | None, initial: list[int], preceding: list[int]
) -> None:
    plan = lineage.plan_start(HISTORY, position, millis=millis)

    assert (indexes(plan.initial), indexes(plan.preceding)) == (initial, preceding)


def test_k2_ancestors_of_the_initial_shards_are_never_read() -> None:
    plan = lineage.plan_start(HISTORY, StartingPosition.LATEST)
    start = lineage.resolve(plan, {"shardId-000000000002": 77})

    found = lineage.decide(HISTORY, rows(*start.leases))

    assert (indexes(found.ready), found.insert, found.waiting) == ([2, 4], (), ())
    assert {lease.shard_id: lease.checkpoint for lease in start.leases if not lease.ended} == {
        "shardId-000000000002": 77,
        "shardId-000000000004": 0,
    }


def test_k3_a_missing_row_does_not_mean_done() -> None:
    found = lineage.decide(HISTORY, rows(*[NewLease(shard_id=f"shardId-{index:012d}") for index in (0, 3, 4)]))

    assert indexes(found.ready) == [0, 3]
    assert indexes(found.waiting) == [4]
    assert [names.shard_index(lease.shard_id) for lease in found.insert] == [1, 2]


def test_k3_a_merged_child_waits_for_both_parents() -> None:
    one_done = [NewLease(shard_id=f"shardId-{index:012d}", ended=index in (0, 1)) for index in range(5)]
    both_done = [replace(lease, ended=lease.ended or lease.shard_id.endswith("3")) for lease in one_done]

    assert indexes(lineage.decide(HISTORY, rows(*one_done)).waiting) == [4]
    assert indexes(lineage.decide(HISTORY, rows(*both_done)).ready) == [2, 4]


def test_k3_a_parent_that_is_not_listed_any_more_is_done() -> None:
    listing = a_listing(*HISTORY.shards[1:])
    found = lineage.decide(listing, rows(*[NewLease(shard_id=f"shardId-{index:012d}") for index in range(5)]))

    assert indexes(found.ready) == [1, 2, 3]
    assert indexes(found.retire) == [0]


def test_k3_the_end_of_a_shard_names_its_children() -> None:
    assert [lease.shard_id for lease in lineage.children(HISTORY, "shardId-000000000001")] == ["shardId-000000000004"]
    assert lineage.children(HISTORY, "shardId-000000000004") == ()


def test_rows_of_another_incarnation_say_nothing() -> None:
    old = rows(*[NewLease(shard_id=shard.shard_id, ended=True) for shard in HISTORY.shards], stream_id="zero")

    found = lineage.decide(HISTORY, old)

    assert (len(found.insert), found.ready, found.retire) == (5, (), ())


@given(seed=st.integers(0, 10_000), position=st.sampled_from(StartingPosition))
def test_k3_every_wanted_shard_is_read_once_after_its_parents(seed: int, position: StartingPosition) -> None:
    chance = random.Random(seed)
    listing = _reshard(a_listing(a_shard(0), a_shard(1)), chance, time=100)
    millis = chance.randrange(100, 200)
    plan = lineage.plan_start(listing, position, millis=millis)
    table = {row.shard_id: row for row in rows(*lineage.resolve(plan, {}).leases)}
    listing = _reshard(listing, chance, time=200)

    order: list[str] = []
    while True:
        found = lineage.decide(listing, list(table.values()))
        table |= {row.shard_id: row for row in rows(*found.insert)}
        if not found.ready and not found.insert:
            break
        for shard_id in found.ready:
            order.append(shard_id)
            table[shard_id] = replace(table[shard_id], ended=True)

    assert len(set(order)) == len(order)
    assert set(order) == {shard.shard_id for shard in listing.shards} - set(plan.preceding)
    for shard in listing.shards:
        parents = [parent for parent in shard.parent_shard_ids if parent in order]
        assert shard.shard_id not in order or all(order.index(p) < order.index(shard.shard_id) for p in parents)


def _reshard(listing: ShardListing, chance: random.Random, *, time: int) -> ShardListing:
    """Split and merge open shards a few times."""
    shards = list(listing.shards)
    for step in range(chance.randrange(6)):
        still_open = [index for index, shard in enumerate(shards) if shard.is_open]
        parents = chance.sample(still_open, chance.choice([1, 2]) if len(still_open) > 1 else 1)
        for parent in parents:
            number = names.first_number_at(time + 10 * step - chance.randrange(10))
            shards[parent] = replace(shards[parent], ending_number=number)
        for _ in range(2 if len(parents) == 1 else 1):
            shards.append(a_shard(len(shards), *parents))
    return replace(listing, shards=tuple(shards))
