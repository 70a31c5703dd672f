"""The seams of the mapping service: what its core and its use cases need of the world. The docstrings are promises.

Stores are plain functions, run on threads; one method is one transaction, unless its storage gathers several into one
commit. "Raises" names the only domain errors of a method; any may raise the storage's StorageFull or OutcomeUnknown.
The network's two are async.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mapping_service.core.answer import Answer
from mapping_service.core.audit import AuditEntry
from mapping_service.core.batch import Batch
from mapping_service.core.dead_letter import DeadLetter
from mapping_service.core.handler import Handler
from mapping_service.core.lease import CheckpointWrite, Lease, NewLease, Take
from mapping_service.core.mapping import EventSourceMapping
from mapping_service.core.shard_events import Read, ReadFailed, RecordsRead
from mapping_service.core.shard_listing import ShardListing, StreamMark

LIST_LIMIT_MAX = 10_000
DEAD_LETTER_MILLIS = 14 * 24 * 3600 * 1000
"""Dead letters are kept for 14 days (rule D5)."""
DEAD_LETTER_BYTES_MAX = 64 * 1024 * 1024
"""Payloads of a mapping's dead letters; beyond it the records go, and range and cause stay (rule D5)."""
AUDIT_MILLIS = 90 * 24 * 3600 * 1000
"""Audit entries are kept for 90 days (rule D5)."""
REQUEST_ID_MILLIS = 24 * 3600 * 1000
"""A request id is remembered for 24 hours."""


class Clock(Protocol):
    """The clocks of this process."""

    def unix_millis(self) -> int:
        """Wall clock in unix milliseconds: for create and modified times, never for the age of a record (rule C1)."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment, never back; for durations only."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestId:
    """A caller's name for a request, by which a repeated one gets the first one's answer."""

    request_id: str
    digest: bytes
    """Of the request's content: the same id with another digest is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedStart:
    """Where a mapping starts in one incarnation of its stream: the initial shards and those before them (rule K2)."""

    stream_id: str
    leases: tuple[NewLease, ...]


class MappingStore(Protocol):
    """Event source mappings. There is at most one of an event source and a handler."""

    def create(
        self,
        mapping: EventSourceMapping,
        *,
        start: ResolvedStart | None,
        request: RequestId | None = None,
    ) -> EventSourceMapping:
        """Store a new mapping, and with a start its leases, in one transaction; answers what is stored.

        A request id known for less than 24 hours answers that request's mapping as it is now, and stores nothing.
        Raises MappingAlreadyExists (also while the other one is DELETING), MappedHandlerNotFound, RequestIdReused.
        """
        ...

    def get(self, mapping_id: str) -> EventSourceMapping:
        """One mapping. Raises MappingNotFound."""
        ...

    def list(
        self,
        *,
        after: tuple[int, str] | None,
        limit: int,
        event_source: str | None = None,
        handler_name: str | None = None,
    ) -> Sequence[EventSourceMapping]:
        """Mappings in the order of (create_millis, mapping_id), after one such pair; None filters nothing."""
        ...

    def update(self, mapping: EventSourceMapping, *, seen: EventSourceMapping) -> EventSourceMapping:
        """Replace a mapping, if its version and state are still as seen; answers what is stored.

        What lies beside version and state (stream_id, last_processing_result) stays as stored. Raises MappingNotFound,
        EtagMismatch (version), MappingInUse (state), MappingAlreadyExists, MappedHandlerNotFound (when the handler
        changes).
        """
        ...

    def set_result(self, mapping_id: str, last_processing_result: str) -> None:
        """Note what became of the last batch. Version and modified time stay; an unknown mapping is nothing."""
        ...

    def remove(self, mapping_id: str) -> None:
        """Remove a mapping in the state DELETING with its leases; its dead letters stay. Unknown: nothing."""
        ...


class HandlerStore(Protocol):
    """Registered handlers, by name."""

    def register(self, handler: Handler, *, request: RequestId | None = None) -> Handler:
        """Store a new handler. Request ids as in MappingStore.create. Raises HandlerAlreadyExists, RequestIdReused."""
        ...

    def get(self, handler_name: str) -> Handler:
        """One handler. Raises HandlerNotFound."""
        ...

    def list(self, *, after: str | None, limit: int) -> Sequence[Handler]:
        """Handlers in the order of their names (by code point), after one name."""
        ...

    def update(self, handler: Handler, *, seen_version: int) -> Handler:
        """Replace a handler, if its version is still as seen. Raises HandlerNotFound, EtagMismatch."""
        ...

    def deregister(self, handler_name: str) -> None:
        """Remove a handler; its mappings stay and wait. Raises HandlerNotFound."""
        ...


class LeaseTable(Protocol):
    """Who polls which shard, and the checkpoints (rules K1 to K4). Safe for several workers on one database.

    Whatever happens, the epoch of a mapping and shard never goes back, and no checkpoint is accepted but from the
    row's owner with the row's epoch.
    """

    def heartbeat(self, worker_id: str) -> int:
        """Raise the worker's counter, from 0 when it is new; answers the new one."""
        ...

    def counters(self) -> Mapping[str, int]:
        """The counters of all workers."""
        ...

    def remove_worker(self, worker_id: str) -> None:
        """Forget a worker and release all that it owns, in one transaction. Epochs stay. Unknown: nothing."""
        ...

    def resolve_start(self, mapping_id: str, start: ResolvedStart, *, seen_stream_id: str | None) -> None:
        """Set the mapping's incarnation and insert the leases of its start, in one transaction (rule K2).

        A row of another incarnation is replaced: unowned, no state, its epoch and generation each 1 higher. Rows of
        other incarnations that the start does not name lose owner and state, get an epoch 1 higher, and belong to
        no shard any more until `insert` names them. Raises MappingNotFound, and StartAlreadyResolved when the mapping's
        incarnation is no longer the seen one.
        """
        ...

    def insert(self, mapping_id: str, stream_id: str, leases: Sequence[NewLease]) -> None:
        """Insert leases found by reconciling. Rows of this incarnation are kept; of another: as in resolve_start.

        Nothing happens when the mapping is gone or reads another incarnation.
        """
        ...

    def leases(self, mapping_id: str) -> Sequence[Lease]:
        """All rows of a mapping, also of other incarnations, by shard id."""
        ...

    def all_leases(self) -> Sequence[Lease]:
        """All rows that are not ended, with their state, by mapping and shard id."""
        ...

    def read(self, mapping_id: str, shard_id: str) -> Lease | None:
        """One row; None when there is none."""
        ...

    def take(self, take: Take, *, worker_id: str) -> Lease | None:
        """Take a lease if owner and counter are still as seen: the epoch rises by 1. None when they are not.

        `worker_id` must have a counter already. An ended row is not taken.
        """
        ...

    def take_all(self, worker_id: str) -> int:
        """Take all rows that are not ended, with new epochs, and forget all other workers, in one transaction.

        Only for an engine whose lock proves that no other worker lives: SQLite (rule K1). Answers how many.
        """
        ...

    def checkpoint(self, write: CheckpointWrite) -> None:
        """Store checkpoint, state, dead letters, end and children in one transaction. Raises LeaseLost.

        LeaseLost: no row has this owner and epoch; nothing is stored. Conditioned on nothing else. A dead letter whose
        id is stored already is not stored twice; beyond the mapping's quota its payload is left out.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give a lease up, if owner and epoch are still the lease's: it has no owner then. The epoch stays."""
        ...

    def retire(self, mapping_id: str, stream_id: str, shard_ids: Sequence[str]) -> None:
        """Remove rows of this incarnation whose shards the stream does not list any more: it never lists them again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterQuery:
    """Which dead letters to list."""

    mapping_id: str
    shard_id: str | None = None
    """None means of all shards."""
    after: tuple[int, str] | None = None
    """The (create_millis, dead_letter_id) after which the list goes on; None means from the oldest."""


class DeadLetterStore(Protocol):
    """Discarded batches. They are written by LeaseTable.checkpoint."""

    def list(self, query: DeadLetterQuery, *, limit: int) -> Sequence[DeadLetter]:
        """Dead letters, oldest first, with an empty payload."""
        ...

    def get(self, dead_letter_id: str) -> DeadLetter:
        """One, with its payload. Raises DeadLetterNotFound."""
        ...

    def payload_bytes(self, mapping_id: str) -> int:
        """Bytes of all payloads of a mapping."""
        ...

    def delete(self, dead_letter_ids: Sequence[str]) -> int:
        """Delete these; answers how many there were."""
        ...

    def trim(self, *, before_millis: int, limit: int) -> int:
        """Delete at most `limit` that were discarded before this time, oldest first; answers how many."""
        ...


class AuditLog(Protocol):
    """What moved mappings other than delivery. Entries stay when their mapping is gone."""

    def add(self, entry: AuditEntry) -> None:
        """Keep an entry, in the transaction of what it tells of."""
        ...

    def list(self, mapping_id: str, *, limit: int) -> Sequence[AuditEntry]:
        """A mapping's entries, newest first."""
        ...

    def trim(self, *, before_millis: int, limit: int) -> int:
        """Delete at most `limit` entries from before this time; answers how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardAddress:
    """A shard of one incarnation of a stream. For `watch` alone, both ids may be empty."""

    stream_name: str
    stream_id: str
    shard_id: str


class StreamSource(Protocol):
    """The stream service, as pollers and use cases need it."""

    async def list_shards(self, stream_name: str) -> ShardListing:
        """All shards. Raises StreamNotFound, StreamServiceUnavailable."""
        ...

    async def marks(self) -> Mapping[str, StreamMark]:
        """The marks of all streams by name, in few calls however many there are. Raises StreamServiceUnavailable."""
        ...

    async def latest(self, shard: ShardAddress) -> int:
        """Exclusive position after the shard's newest record. Raises StreamNotFound, StreamServiceUnavailable."""
        ...

    async def at_time(self, shard: ShardAddress, millis: int) -> int:
        """Exclusive position before the first record that arrived at this time or later. Raises as `latest`."""
        ...

    async def read(self, shard: ShardAddress, read: Read) -> RecordsRead | ReadFailed:
        """One read, without waiting. Raises nothing."""
        ...

    async def watch(self, shard: ShardAddress, *, after: int) -> str:
        """Wait until there is something after this position; answers why: grown, closed, trimmed, deleted, lost.

        Registers before it compares with the head (rule D2). An address without a shard waits for a stream of its name
        to appear, and is answered "appeared". "lost" comes while the watch is down, at the base poll
        rate. Cancelling disarms.
        """
        ...

    async def service_millis(self) -> int:
        """Its clock as last heard, carried on by the monotonic clock. Raises StreamServiceUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One invocation of a handler."""

    batch: Batch
    invocation_id: str
    attempt: int
    mapping_id: str
    event_source: str
    shard_id: str
    epoch: int


class HandlerClient(Protocol):
    """Calls handlers."""

    async def invoke(self, handler: Handler, call: Call) -> Answer:
        """Send a batch with the handler's timeout as deadline. Raises nothing; cancelling ends the call.

        A call that cannot connect within its own deadline is CallFailed UNAVAILABLE, began_ready=False (rule D1).
        """
        ...
