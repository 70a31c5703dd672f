"""LeaseTable in memory (rules K1 to K4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from mapping_service.core.dead_letter import DeadLetter
from mapping_service.core.errors import LeaseLost, MappingNotFound, StartAlreadyResolved
from mapping_service.core.lease import CheckpointWrite, Lease, NewLease, Take
from mapping_service.core.mapping import EventSourceMapping
from mapping_service.core.ports import DEAD_LETTER_BYTES_MAX, ResolvedStart


class LeaseTables(Protocol):
    """The tables that leases touch; those of `memory`."""

    mappings: dict[str, EventSourceMapping]
    workers: dict[str, int]
    leases: dict[tuple[str, str], Lease]
    dead_letters: dict[str, DeadLetter]


class MemoryLeases:
    """See LeaseTable for the promises."""

    def __init__(self, tables: LeaseTables) -> None:
        self._tables = tables

    def heartbeat(self, worker_id: str) -> int:
        """See LeaseTable."""
        self._tables.workers[worker_id] = self._tables.workers.get(worker_id, 0) + 1
        return self._tables.workers[worker_id]

    def counters(self) -> Mapping[str, int]:
        """See LeaseTable."""
        return dict(self._tables.workers)

    def remove_worker(self, worker_id: str) -> None:
        """See LeaseTable."""
        self._tables.workers.pop(worker_id, None)
        for lease in [each for each in self._all() if each.owner == worker_id]:
            self._keep(replace(lease, owner=None))

    def resolve_start(self, mapping_id: str, start: ResolvedStart, *, seen_stream_id: str | None) -> None:
        """See LeaseTable."""
        mapping = self._tables.mappings.get(mapping_id)
        if mapping is None:
            raise MappingNotFound(mapping_id)
        if mapping.stream_id != seen_stream_id:
            raise StartAlreadyResolved
        self._tables.mappings[mapping_id] = replace(mapping, stream_id=start.stream_id)
        insert_leases(self._tables, mapping_id, start.stream_id, start.leases)
        for lease in self.leases(mapping_id):
            if lease.stream_id != start.stream_id:
                self._keep(replace(lease, owner=None, state=None, epoch=lease.epoch + 1))

    def insert(self, mapping_id: str, stream_id: str, leases: Sequence[NewLease]) -> None:
        """See LeaseTable."""
        mapping = self._tables.mappings.get(mapping_id)
        if mapping is not None and mapping.stream_id == stream_id:
            insert_leases(self._tables, mapping_id, stream_id, leases)

    def leases(self, mapping_id: str) -> Sequence[Lease]:
        """See LeaseTable."""
        return [lease for lease in self._all() if lease.mapping_id == mapping_id]

    def all_leases(self) -> Sequence[Lease]:
        """See LeaseTable."""
        return [lease for lease in self._all() if not lease.ended]

    def read(self, mapping_id: str, shard_id: str) -> Lease | None:
        """See LeaseTable."""
        return self._tables.leases.get((mapping_id, shard_id))

    def take(self, take: Take, *, worker_id: str) -> Lease | None:
        """See LeaseTable."""
        lease = self.read(take.mapping_id, take.shard_id)
        if worker_id not in self._tables.workers or lease is None or lease.ended or lease.owner != take.seen_owner:
            return None
        if lease.owner is not None and self._tables.workers.get(lease.owner) != take.seen_counter:
            return None
        return self._keep(replace(lease, owner=worker_id, epoch=lease.epoch + 1))

    def take_all(self, worker_id: str) -> int:
        """See LeaseTable."""
        for other in [each for each in self._tables.workers if each != worker_id]:
            del self._tables.workers[other]
        taken = self.all_leases()
        for lease in taken:
            self._keep(replace(lease, owner=worker_id, epoch=lease.epoch + 1))
        return len(taken)

    def checkpoint(self, write: CheckpointWrite) -> None:
        """See LeaseTable."""
        lease = self.read(write.mapping_id, write.shard_id)
        if lease is None or (lease.owner, lease.epoch) != (write.owner, write.epoch):
            raise LeaseLost
        self._keep(replace(lease, checkpoint=write.checkpoint, state=write.state, ended=write.ended))
        for each in write.dead_letters:
            self._insert_dead_letter(each)
        insert_leases(self._tables, write.mapping_id, lease.stream_id, write.children)

    def release(self, lease: Lease) -> None:
        """See LeaseTable."""
        stored = self.read(lease.mapping_id, lease.shard_id)
        if stored is not None and (stored.owner, stored.epoch) == (lease.owner, lease.epoch):
            self._keep(replace(stored, owner=None))

    def retire(self, mapping_id: str, stream_id: str, shard_ids: Sequence[str]) -> None:
        """See LeaseTable."""
        for shard_id in shard_ids:
            lease = self.read(mapping_id, shard_id)
            if lease is not None and lease.ended and lease.stream_id == stream_id:
                del self._tables.leases[mapping_id, shard_id]

    def _insert_dead_letter(self, dead_letter: DeadLetter) -> None:
        if dead_letter.dead_letter_id in self._tables.dead_letters:
            return
        used = payload_bytes(self._tables, dead_letter.mapping_id)
        has_room = used + len(dead_letter.payload) <= DEAD_LETTER_BYTES_MAX
        kept = dead_letter if has_room else replace(dead_letter, payload=b"")
        self._tables.dead_letters[dead_letter.dead_letter_id] = kept

    def _all(self) -> list[Lease]:
        return [self._tables.leases[key] for key in sorted(self._tables.leases)]

    def _keep(self, lease: Lease) -> Lease:
        self._tables.leases[lease.mapping_id, lease.shard_id] = lease
        return lease


def insert_leases(tables: LeaseTables, mapping_id: str, stream_id: str, leases: Iterable[NewLease]) -> None:
    """Insert rows of an incarnation. Rows of it are kept; one of another is replaced, with a higher epoch."""
    for new in leases:
        old = tables.leases.get((mapping_id, new.shard_id))
        if old is not None and old.stream_id == stream_id:
            continue
        tables.leases[mapping_id, new.shard_id] = Lease(
            mapping_id=mapping_id,
            shard_id=new.shard_id,
            stream_id=stream_id,
            owner=None,
            epoch=old.epoch + 1 if old else 1,
            generation=old.generation + 1 if old else 0,
            checkpoint=new.checkpoint,
            ended=new.ended,
        )


def payload_bytes(tables: LeaseTables, mapping_id: str) -> int:
    """Bytes of all payloads of a mapping."""
    return sum(len(each.payload) for each in tables.dead_letters.values() if each.mapping_id == mapping_id)
