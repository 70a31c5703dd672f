"""Which shards of a stream a mapping reads, from where, and in which order: the machine of a mapping (rules K2, K3).

Its state is the lease rows. A start names, once, the initial shards with their positions, and marks what precedes them
as ended; from then on a shard without a row is one that came later, and is read from its beginning. A shard is polled
when each of its parents is done: its lease is ended, or the stream no longer lists it. A missing row does not mean
done: it means that nobody got there yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mapping_service.core import names
from mapping_service.core.lease import Lease, NewLease
from mapping_service.core.mapping import StartingPosition
from mapping_service.core.ports import ResolvedStart
from mapping_service.core.shard_listing import ListedShard, ShardListing

BEGINNING = 0
"""The checkpoint of a shard that is read from its beginning: below every number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPlan:
    """A start whose positions are still to be asked of the stream service."""

    stream_id: str
    initial: tuple[str, ...]
    """Shards to start with. At TRIM_HORIZON nothing needs to be asked: they start at their beginning."""
    preceding: tuple[str, ...]
    """Shards that are never read."""


def plan_start(listing: ShardListing, position: StartingPosition, *, millis: int | None = None) -> StartPlan:
    """The initial shards of a mapping: the oldest ones that can hold a record it wants.

    A stream that was born after its mapping, and a new incarnation, start at TRIM_HORIZON whatever the mapping says.
    """
    wanted = {shard.shard_id for shard in listing.shards if _may_hold_wanted(shard, position, millis=millis)}
    initial = [
        shard.shard_id
        for shard in listing.shards
        if shard.shard_id in wanted and wanted.isdisjoint(shard.parent_shard_ids)
    ]
    preceding = [shard.shard_id for shard in listing.shards if shard.shard_id not in wanted]
    return StartPlan(stream_id=listing.stream_id, initial=tuple(initial), preceding=tuple(preceding))


def resolve(plan: StartPlan, positions: Mapping[str, int]) -> ResolvedStart:
    """The start as lease rows. An initial shard that `positions` does not name starts at its beginning."""
    initial = [NewLease(shard_id=shard_id, checkpoint=positions.get(shard_id, BEGINNING)) for shard_id in plan.initial]
    preceding = [NewLease(shard_id=shard_id, ended=True) for shard_id in plan.preceding]
    return ResolvedStart(stream_id=plan.stream_id, leases=(*initial, *preceding))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a mapping's shards need now. Of leases of another incarnation nothing is said: they need a new start."""

    insert: tuple[NewLease, ...]
    """Rows for listed shards that have none: they came by descent."""
    ready: tuple[str, ...]
    """Shards with a row that may be polled."""
    waiting: tuple[str, ...]
    """Shards with a row of which a parent is not done."""
    retire: tuple[str, ...]
    """Shards with a row that the stream does not list any more: stop polling them and remove their rows."""


def decide(listing: ShardListing, leases: Sequence[Lease]) -> Lineage:
    """Compare what the stream lists with the rows of its incarnation."""
    rows = {lease.shard_id: lease for lease in leases if lease.stream_id == listing.stream_id}
    listed = {shard.shard_id for shard in listing.shards}
    unended = [shard for shard in listing.shards if shard.shard_id in rows and not rows[shard.shard_id].ended]
    ready = {shard.shard_id for shard in unended if _is_open_to_read(shard, rows, listed)}
    return Lineage(
        insert=tuple(NewLease(shard_id=shard.shard_id) for shard in listing.shards if shard.shard_id not in rows),
        ready=tuple(shard.shard_id for shard in unended if shard.shard_id in ready),
        waiting=tuple(shard.shard_id for shard in unended if shard.shard_id not in ready),
        retire=tuple(shard_id for shard_id in rows if shard_id not in listed),
    )


def children(listing: ShardListing, shard_id: str) -> tuple[NewLease, ...]:
    """Rows that belong into the transaction that ends this shard. The listing must be newer than the shard's end."""
    return tuple(NewLease(shard_id=shard.shard_id) for shard in listing.shards if shard_id in shard.parent_shard_ids)


def _is_open_to_read(shard: ListedShard, rows: Mapping[str, Lease], listed: set[str]) -> bool:
    return all(parent not in listed or (parent in rows and rows[parent].ended) for parent in shard.parent_shard_ids)


def _may_hold_wanted(shard: ListedShard, position: StartingPosition, *, millis: int | None) -> bool:
    if position == StartingPosition.TRIM_HORIZON or shard.ending_number is None:
        return True
    if position == StartingPosition.LATEST:
        return False
    return shard.ending_number >= names.first_number_at(millis or 0)
