"""Delivers one shard: carries out what its machine asks for, and tells it what happened. Read `run_once` first.

    lease row -> machine <- what happened: read, woken, answered, stored, timer
                    |
                    '-> what to do: read, watch, invoke, store, timer   (each a small task that ends by telling)

There is no loop that waits: an idle shard is one armed watch. All is on the event loop, so a step is never interrupted.
"""

import asyncio
import functools
import traceback
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from chassis.errors import DomainError
from mapping_service.core import lease as leases
from mapping_service.core import lineage, names
from mapping_service.core.answer import Answer, CallFailed
from mapping_service.core.discard import ShardIdentity
from mapping_service.core.errors import LeaseLost, StreamNotFound
from mapping_service.core.lease import CheckpointWrite, Lease, NewLease
from mapping_service.core.mapping import EventSourceMapping
from mapping_service.core.policy import Policy
from mapping_service.core.ports import Call, ShardAddress
from mapping_service.core.shard_events import (
    Action,
    Arm,
    CancelInvoke,
    CancelTimer,
    CheckpointFailed,
    CheckpointStored,
    Disarm,
    Event,
    HandlerAnswered,
    Invoke,
    LeaseAdopted,
    LeaseWasLost,
    MappingChanged,
    Phase,
    Read,
    ReadFailed,
    Report,
    ReportMissed,
    SetTimer,
    Started,
    Stopped,
    StopReason,
    StopRequested,
    StoreCheckpoint,
    TimerFired,
    Woken,
)
from mapping_service.core.shard_machine import ShardMachine
from mapping_service.core.tally import Tally
from mapping_service.pollers.timers import Timer
from mapping_service.pollers.world import World

_log = structlog.get_logger(__name__)


class Owner(Protocol):
    """Who started the poller."""

    mapping: EventSourceMapping
    """As it is now: the handler of the next batch."""

    def on_stopped(self, poller: "ShardPoller", reason: StopReason | None) -> None:
        """The poller stopped; None when it failed or was cut off."""

    def on_trouble(self, poller: "ShardPoller") -> None:
        """The stream or the shard may be gone: have a look."""

    def on_invoked(self, seconds: float) -> None:
        """A call of the handler ended, well or not; it took so long."""


@dataclass(slots=True)
class _Under:
    """What is under way for the machine; at most one of each."""

    watch: asyncio.Task[None] | None = None
    invoke: asyncio.Task[None] | None = None
    is_reading: bool = False


class ShardPoller:
    """One shard of one mapping, from a lease that is ours until it stops. Made and used on the event loop."""

    def __init__(self, lease: Lease, owner: Owner, world: World) -> None:
        """Raises StateNotReadable when the stored delivery state cannot be continued."""
        self.shard_id = lease.shard_id
        self._lease = lease
        self._owner = owner
        self._world = world
        mapping = owner.mapping
        self._address = ShardAddress(
            stream_name=mapping.stream_name, stream_id=lease.stream_id, shard_id=lease.shard_id
        )
        identity = ShardIdentity(
            mapping_id=lease.mapping_id,
            shard_id=lease.shard_id,
            shard_index=names.shard_index(lease.shard_id),
            generation=lease.generation,
        )
        self._machine = ShardMachine(
            identity=identity, policy=mapping.policy, checkpoint=lease.checkpoint, state=lease.state
        )
        self._account = world.budget.open_account()
        self._under = _Under()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, Timer] = {}
        self._is_over = False

    @property
    def phase(self) -> Phase:
        """What it is doing."""
        return self._machine.phase

    @property
    def tally(self) -> Tally:
        """What became of its records."""
        return self._machine.tally

    @property
    def waited_millis(self) -> int:
        """For how long its oldest record that is not settled has waited; 0 when nothing waits."""
        return self._machine.waited_millis(self._world.now())

    @property
    def epoch(self) -> int:
        """The epoch of its lease."""
        return self._lease.epoch

    def start(self) -> None:
        """Begin."""
        self.run(Started())

    def change(self, policy: Policy) -> None:
        """The mapping has new knobs."""
        self.run(MappingChanged(policy=policy))

    def request_stop(self) -> None:
        """Finish what is in flight, store it, stop; the owner is told."""
        self.run(StopRequested())

    def cut_off(self) -> None:
        """Stop now; a call to the handler is cancelled. What was not stored is delivered again."""
        self._finish(None)

    def run(self, event: Event) -> None:
        """Take in what happened. If that fails, the poller stops, and its owner begins again from the lease row."""
        try:
            self.run_once(event)
        except Exception as error:
            self._fail(error)

    def run_once(self, event: Event) -> int:
        """Tell the machine what happened and do what it asks for; answers how many things that were."""
        if self._is_over:
            return 0
        actions = self._machine.step(event, self._world.now())
        self._account.settle(self._machine.held_bytes, is_reading=self._under.is_reading)
        for action in actions:
            self._do(action)
        return len(actions)

    def _do(self, action: Action) -> None:
        match action:
            case Read():
                self._under.is_reading = True
                self._spawn(self._read(action))
            case Invoke():
                self._under.invoke = self._spawn(self._invoke(action))
            case StoreCheckpoint():
                self._spawn(self._store(action))
            case Arm():
                self._under.watch = self._spawn(self._watch(action.after))
            case SetTimer():
                self._set_timer(action)
            case CancelTimer():
                self._cancel_timer(action.timer_id)
            case _:
                self._do_at_once(action)

    def _do_at_once(self, action: Action) -> None:
        match action:
            case Disarm():
                _cancel(self._under.watch)
            case CancelInvoke():
                _cancel(self._under.invoke)
            case Report():
                key = (self._lease.mapping_id, self.shard_id)
                self._world.results.report(*key, result=action.result, problem=action.problem)
            case ReportMissed():
                missed = action.missed
                self._say("records_missed", after=missed.after, until=missed.until, count=missed.count)
            case Stopped():
                self._finish(action.reason)
            case _:
                raise AssertionError(f"nobody carries out {type(action).__name__}")

    # What is done, and how the machine is told

    async def _read(self, action: Read) -> None:
        granted = await self._account.reserve(action.limit_bytes, may_wait=action.upto is None)
        event = await self._world.source.read(self._address, replace(action, limit_bytes=granted))
        self._under.is_reading = False
        self.run(event)
        if isinstance(event, ReadFailed) and not event.retryable and not event.data_loss:
            self._owner.on_trouble(self)

    async def _watch(self, after: int) -> None:
        reason = await self._world.source.watch(self._address, after=after)
        self.run(Woken(reason=reason))

    async def _invoke(self, action: Invoke) -> None:
        begun = self._world.clock.monotonic()
        answer = await self._call(action)
        self._owner.on_invoked(self._world.clock.monotonic() - begun)
        self.run(HandlerAnswered(invocation_id=action.invocation_id, attempt=action.attempt, answer=answer))

    async def _call(self, action: Invoke) -> Answer:
        mapping = self._owner.mapping
        handler = self._world.directory.get(mapping.handler_name)
        if handler is None:
            message = f"handler {mapping.handler_name} is not registered"
            return CallFailed(code="UNAVAILABLE", message=message, began_ready=False)
        call = Call(
            batch=action.batch,
            invocation_id=action.invocation_id,
            attempt=action.attempt,
            mapping_id=mapping.mapping_id,
            event_source=mapping.event_source,
            shard_id=self.shard_id,
            epoch=self._lease.epoch,
        )
        return await self._world.handlers.invoke(handler, call)

    async def _store(self, action: StoreCheckpoint) -> None:
        """Store, and find out what became of it (rule K1)."""
        try:
            children = await self._children() if action.ended else ()
            await self._world.storage.checkpoint(self._write(action, children))
        except LeaseLost:
            self.run(await self._look_again())
        except DomainError as error:
            outcome_is_known = error.reason != "OUTCOME_UNKNOWN"
            self.run(CheckpointFailed(problem=error.message) if outcome_is_known else await self._look_again())
        else:
            self.run(CheckpointStored())

    def _write(self, action: StoreCheckpoint, children: tuple[NewLease, ...]) -> CheckpointWrite:
        return CheckpointWrite(
            mapping_id=self._lease.mapping_id,
            shard_id=self.shard_id,
            owner=self._world.worker_id,
            epoch=self._lease.epoch,
            checkpoint=action.checkpoint,
            state=action.state,
            dead_letters=action.dead_letters,
            ended=action.ended,
            children=children,
        )

    async def _children(self) -> tuple[NewLease, ...]:
        """Leases of the shard's children, for the transaction that ends it (rule K3)."""
        try:
            listing = await self._world.source.list_shards(self._address.stream_name)
        except StreamNotFound:
            return ()
        return lineage.children(listing, self.shard_id) if listing.stream_id == self._address.stream_id else ()

    async def _look_again(self) -> LeaseAdopted | LeaseWasLost | CheckpointFailed:
        """The row says whether the lease is still ours (rule K1)."""
        key = (self._lease.mapping_id, self.shard_id)
        try:
            row = await self._world.storage.read(lambda stores: stores.leases.read(*key))
        except DomainError as error:
            return CheckpointFailed(problem=error.message)
        is_ours = leases.is_still_ours(row, worker_id=self._world.worker_id)
        if row is None or not is_ours or row.stream_id != self._lease.stream_id or not row.is_sound:
            return LeaseWasLost()
        self._say("lease_adopted", epoch=row.epoch)
        self._lease = row
        return LeaseAdopted(checkpoint=row.checkpoint, state=row.state, generation=row.generation, ended=row.ended)

    def _set_timer(self, action: SetTimer) -> None:
        self._cancel_timer(action.timer_id)
        fire = functools.partial(self._fire, action.timer_id)
        self._timers[action.timer_id] = self._world.call_later(action.after_seconds, fire)

    def _cancel_timer(self, timer_id: str) -> None:
        timer = self._timers.pop(timer_id, None)
        if timer is not None:
            timer.cancel()

    def _fire(self, timer_id: str) -> None:
        self._timers.pop(timer_id, None)
        self.run(TimerFired(timer_id=timer_id))

    def _spawn(self, doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._fail(error)

    # The end

    def _fail(self, error: Exception) -> None:
        """Something unforeseen: stop, and let the owner begin again from the lease row."""
        if not self._is_over:
            frames = traceback.extract_tb(error.__traceback__)[-4:]
            at = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
            self._say("poller_failed", error=type(error).__name__, at=at)
            self._finish(None)

    def _finish(self, reason: StopReason | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        for timer in self._timers.values():
            timer.cancel()
        for task in tuple(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()
        self._account.close()
        self._owner.on_stopped(self, reason)

    def _say(self, event: str, **fields: Any) -> None:
        key = {"mapping_id": self._lease.mapping_id, "shard_id": self.shard_id}
        _log.warning(event, **key, **fields)


def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
