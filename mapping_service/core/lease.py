"""Leases: who polls a shard, and when somebody else may (rule K1).

A worker is a process. It raises one counter of its own as a heartbeat; whoever wants its leases watches that counter
on the watcher's own monotonic clock, so that no two clocks are ever compared. Taking a lease raises its epoch, and a
checkpoint is accepted only from the lease's owner with the lease's epoch: a worker that was frozen and comes back
cannot move a checkpoint that another one moved on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mapping_service.core.dead_letter import DeadLetter

LEASE_SECONDS_DEFAULT = 10.0
HEARTBEATS_PER_LEASE = 3
"""A heartbeat each third of the lease time: two may be lost."""
PATIENCE = 1.25
"""A taker waits for the lease time and a quarter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One row: the right to poll a shard for a mapping, and how far it got."""

    mapping_id: str
    shard_id: str
    stream_id: str
    """The incarnation that the checkpoint belongs to."""
    owner: str | None
    """The worker that polls; None when released."""
    epoch: int
    """Fencing number; for a mapping and shard it never goes back."""
    checkpoint: int
    """Every record up to this number is settled."""
    state: str | None = None
    """The delivery state (rule K4); None when there is nothing to remember."""
    generation: int = 0
    """Raised by a seek, so that invocations after it have new ids."""
    ended: bool = False
    """Whether the shard is done: read to its end, or before the mapping's start."""
    is_sound: bool = True
    """Whether the row is what was written. If not, nobody knows how far the shard got, and it must not be polled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLease:
    """A row to be inserted: unowned, epoch 1, or the epoch that a row of another incarnation had and 1 more."""

    shard_id: str
    checkpoint: int = 0
    """0 reads the shard from its beginning."""
    ended: bool = False
    """Whether the shard precedes the mapping's start and is never read (rules K2, K3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointWrite:
    """A checkpoint with everything that belongs into its transaction."""

    mapping_id: str
    shard_id: str
    owner: str
    epoch: int
    checkpoint: int
    state: str | None
    dead_letters: tuple[DeadLetter, ...] = ()
    ended: bool = False
    children: tuple[NewLease, ...] = ()
    """Leases of the shard's children, only with `ended`; rows of this incarnation that exist already are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A worker's counter, and since when it was seen to stand still."""

    counter: int
    since: float
    """Seconds of the watcher's monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A lease that may be taken, on the condition that the row and the worker are still as they were seen."""

    mapping_id: str
    shard_id: str
    seen_owner: str | None
    seen_counter: int | None
    """The owner's counter; None when there is no owner, or no row of it."""


class Watch:
    """What a worker knows of the others: their counters, by its own monotonic clock."""

    def __init__(self, *, worker_id: str, lease_seconds: float = LEASE_SECONDS_DEFAULT) -> None:
        self._worker_id = worker_id
        self._patience_seconds = lease_seconds * PATIENCE
        self._sightings: dict[str, Sighting] = {}

    def see(self, counters: Mapping[str, int], *, monotonic: float) -> None:
        """Note the counters of all workers that have a row; the others are forgotten."""
        self._sightings = {
            worker: self._sighting(worker, counter, monotonic=monotonic) for worker, counter in counters.items()
        }

    def takes(self, leases: Iterable[Lease], *, monotonic: float) -> list[Take]:
        """The leases that may be taken now: released ones, and those of workers that stood still for too long.

        A lease of this worker's own is never among them, nor one whose shard is done. An owner without a counter is
        gone, because a worker has one before it takes its first lease; the table looks again when the lease is taken.
        """
        return [
            Take(
                mapping_id=lease.mapping_id,
                shard_id=lease.shard_id,
                seen_owner=lease.owner,
                seen_counter=self._counter(lease.owner),
            )
            for lease in leases
            if not lease.ended and lease.owner != self._worker_id and self._is_gone(lease.owner, monotonic=monotonic)
        ]

    def _sighting(self, worker: str, counter: int, *, monotonic: float) -> Sighting:
        known = self._sightings.get(worker)
        return known if known and known.counter == counter else Sighting(counter=counter, since=monotonic)

    def _counter(self, owner: str | None) -> int | None:
        sighting = self._sightings.get(owner) if owner is not None else None
        return sighting.counter if sighting else None

    def _is_gone(self, owner: str | None, *, monotonic: float) -> bool:
        sighting = self._sightings.get(owner) if owner is not None else None
        return sighting is None or monotonic - sighting.since >= self._patience_seconds


def is_still_ours(row: Lease | None, *, worker_id: str) -> bool:
    """After a refused or unknown checkpoint: whether to adopt what the row says, or to give the shard up (rule K1)."""
    return row is not None and row.owner == worker_id
