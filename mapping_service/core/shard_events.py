"""What a shard's machine is told (events) and what it asks for (actions). The poller executes; it decides nothing.

How they belong together:

- Every `Read` is answered by one RecordsRead or ReadFailed, and there is one at a time. Nothing is read with waiting.
- `Arm` is answered by at most one Woken, and there is one at a time; after `Disarm` it may still come, or not.
- Every `Invoke` is answered by one HandlerAnswered. After `CancelInvoke` it may still come, or not.
- Every `StoreCheckpoint` is answered by exactly one of CheckpointStored; CheckpointFailed (known to be not stored);
  LeaseAdopted (0 rows or an unknown outcome, but the row says that the lease is still ours: rule K1); LeaseWasLost.
- `SetTimer` replaces a timer of the same id; `CancelTimer` of an unknown one is nothing. A TimerFired may come late.
- After `Stopped` nothing is asked for any more; what is still under way may be cancelled and its answers thrown away.
"""

from dataclasses import dataclass
from enum import StrEnum

from mapping_service.core.answer import Answer
from mapping_service.core.batch import Batch
from mapping_service.core.dead_letter import DeadLetter
from mapping_service.core.page import Page
from mapping_service.core.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedRange:
    """Records that retention trimmed before they were read."""

    after: int
    """The position that was asked for."""
    until: int
    """The position from which reading went on: everything between is gone."""
    count: int
    """How many are gone, at least."""


# Events


@dataclass(frozen=True, slots=True)
class Started:
    """The first event: the lease is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsRead:
    """A read answered."""

    page: Page | None
    """None when there was no record."""
    position: int
    """Exclusive position to read on from: the last record's number, or where reading started."""
    behind_millis: int
    """0 at the newest record."""
    ended: bool = False
    """Whether the shard is closed and this read reached its end."""
    missed: MissedRange | None = None
    """What retention trimmed after the position that was asked for; None when nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFailed:
    """A read did not answer records."""

    problem: str
    """For the mapping's PROBLEM result: `stream orders not found`."""
    retryable: bool
    """Whether it may pass by itself soon (the service is away); if not, it is tried rarely (stream gone, data lost)."""
    data_loss: bool = False
    """Whether stored records are damaged; they are never skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """The armed watch answered: the shard grew, was closed, trimmed or deleted, or the watch is lost."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerAnswered:
    """An invocation ended."""

    invocation_id: str
    attempt: int
    """As it stood in the Invoke: an answer to another attempt is thrown away."""
    answer: Answer


@dataclass(frozen=True, slots=True)
class CheckpointStored:
    """The checkpoint, its state and its dead letters are on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFailed:
    """Nothing was stored (disk full, overloaded); it will be tried again."""

    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseAdopted:
    """The row was read again and is ours, maybe with another epoch: begin again from what it says (rule K1)."""

    checkpoint: int
    state: str | None
    generation: int
    ended: bool = False


@dataclass(frozen=True, slots=True)
class LeaseWasLost:
    """Somebody else owns the shard, or the mapping is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer's time has come."""

    timer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingChanged:
    """The mapping has new knobs; what is in flight is finished as it was."""

    policy: Policy


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Finish what is in flight, store it, stop. The poller bounds the wait by cancelling."""


Event = (
    Started
    | RecordsRead
    | ReadFailed
    | Woken
    | HandlerAnswered
    | CheckpointStored
    | CheckpointFailed
    | LeaseAdopted
    | LeaseWasLost
    | TimerFired
    | MappingChanged
    | StopRequested
)


# Actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Read records."""

    after: int
    """Exclusive position; below every number means the trim horizon."""
    limit_records: int
    limit_bytes: int
    """Most bytes; one record is always answered. The poller may lower it to its share of the budget (rule D4)."""
    upto: int | None = None
    """Number after which nothing is read: a failing batch is read again. None means without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Watch for anything after this position."""

    after: int


@dataclass(frozen=True, slots=True)
class Disarm:
    """The watch is no longer wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoke:
    """Call the handler."""

    batch: Batch
    invocation_id: str
    """A UUID: the same for the same batch, also after a restart."""
    attempt: int
    """Counted from 1."""


@dataclass(frozen=True, slots=True)
class CancelInvoke:
    """Cancel the call: nobody waits for its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCheckpoint:
    """Store all of this in one transaction."""

    checkpoint: int
    """Every record up to this number is settled; never lower than before."""
    state: str | None
    """The delivery state (rule K4); None when there is nothing to remember."""
    dead_letters: tuple[DeadLetter, ...] = ()
    ended: bool = False
    """Whether the shard is done: its children's leases belong into the same transaction (rule K3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Answer TimerFired after so many seconds."""

    timer_id: str
    after_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTimer:
    """The timer is no longer wanted."""

    timer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the mapping's last_processing_result is made of, whenever one of the two changed."""

    result: str | None
    """What the handler's last answer came to: `OK` or `PROBLEM: ...`. None: there was none since the start."""
    problem: str | None
    """What keeps the shard from reading or storing now, without `PROBLEM: `; shown before the result. None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMissed:
    """Count and report records that are gone; once for each gap, but again after a crash before the next checkpoint."""

    missed: MissedRange


class StopReason(StrEnum):
    """Why a machine stopped."""

    REQUESTED = "requested"
    ENDED = "ended"
    LEASE_LOST = "lease lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The last action: nothing is in flight, everything is stored (but after a lost lease)."""

    reason: StopReason


Action = (
    Read
    | Arm
    | Disarm
    | Invoke
    | CancelInvoke
    | StoreCheckpoint
    | SetTimer
    | CancelTimer
    | Report
    | ReportMissed
    | Stopped
)


class Phase(StrEnum):
    """What a shard's machine is doing, in the words of the contract's ShardPhase."""

    POLLING = "POLLING"
    FILLING_BATCH = "FILLING_BATCH"
    INVOKING = "INVOKING"
    BACKING_OFF = "BACKING_OFF"
    DRAINING = "DRAINING"
    DONE = "DONE"
