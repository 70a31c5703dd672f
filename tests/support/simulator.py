"""A shard's whole life around the real machine, simulated from a seed in virtual time, with crashes and all faults.

The poller here does what the real one does with the machine's actions, and nothing else. A crash loses everything
but the row; the new process continues from it. The promises are in `story`, the world is in `simulated_world`.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from mapping_service.core.discard import ShardIdentity
from mapping_service.core.moment import Moment
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
    MappingChanged,
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
from mapping_service.core.shard_machine import RETRY_TIMER, ShardMachine
from tests.support import simulated_world
from tests.support.records import numbers_in, numbers_of
from tests.support.simulated_world import SHARD_INDEX, World
from tests.support.story import Attempt, Broken, Story

STEPS_MAX = 20_000
IDENTITY = ShardIdentity(mapping_id="map", shard_id="shardId-000000000007", shard_index=SHARD_INDEX)

MakeMachine = Callable[..., ShardMachine]


@dataclass
class Row:
    """What is on disk."""

    checkpoint: int = 0
    state: str | None = None
    ended: bool = False


class Simulator:
    """One run."""

    def __init__(self, seed: int, make: MakeMachine = ShardMachine) -> None:
        self._chance = random.Random(seed)
        self._make = make
        self._world = World(self._chance)
        self.story = Story(policy=self._world.policy, records=self._world.records)
        self._row = Row()
        self._now = 0.0
        self._events: list[tuple[float, int, int, Event]] = []
        self._order = 0
        self._is_over = False
        self._begin_life()

    def run(self) -> Story:
        """Live until the shard is done. Raises Broken."""
        self._step(Started())
        for _ in range(STEPS_MAX):
            if self._is_over:
                self.story.check_end()
                return self.story
            self._chaos()
            if not self._events:
                raise Broken(f"nothing is under way in phase {self._machine.phase}, and the shard is not done")
            time, _, life, event = heapq.heappop(self._events)
            self._now = max(time, self._now)
            if life == self.story.lives:
                self._step(event)
        raise Broken("the run does not come to its end")

    def _begin_life(self) -> None:
        self._timers: dict[str, float] = {}
        self._is_armed = self._is_reading = False
        self._call: Attempt | None = None
        self._is_storing = False
        self._undecided: StoreCheckpoint | None = None
        self._machine = self._make(
            identity=IDENTITY, policy=self.story.policy, checkpoint=self._row.checkpoint, state=self._row.state
        )

    def _restart(self) -> None:
        """The process is gone, with all it held in memory; what it was storing is on disk, or not."""
        if self._undecided is not None and self._chance.random() < 0.5:
            self._write(self._undecided)
        else:
            self.story.forgot()
        self.story.lives += 1
        self._begin_life()
        self._step(Started())

    def _chaos(self) -> None:
        if self._strikes(self._world.crash_rate):
            self._restart()
        elif self._strikes(0.005):
            self._step(StopRequested())
        elif self._strikes(0.01):
            self.story.policy = replace(self.story.policy, batch_size=self._chance.choice([1, 2, 5, 100]))
            self._step(MappingChanged(policy=self.story.policy))

    def _strikes(self, rate: float) -> bool:
        return self._world.strikes(rate, self._now)

    def _later(self, seconds: float, event: Event) -> None:
        self._order += 1
        heapq.heappush(self._events, (self._now + seconds, self._order, self.story.lives, event))

    # Events

    def _step(self, event: Event) -> None:
        if not self._notice(event):
            return
        self.story.trimmed_to = max(self.story.trimmed_to, self._world.horizon(self._now))
        moment = Moment(
            monotonic=self._now,
            service_millis=simulated_world.millis_at(self._now),
            random=self._chance.random(),
        )
        for action in self._machine.step(event, moment):
            self._execute(action)
        if RETRY_TIMER in self._timers and self._machine.held_bytes:
            raise Broken("a batch in back-off holds bytes")

    def _notice(self, event: Event) -> bool:
        """What the world knows of an event before the machine does. False when it does not happen after all."""
        match event:
            case TimerFired():
                return self._fires(event)
            case Woken():
                self._is_armed = False
            case HandlerAnswered():
                self._note_outcome(event)
            case CheckpointStored() | CheckpointFailed() | LeaseAdopted():
                self._is_storing, undecided, self._undecided = False, self._undecided, None
                if isinstance(event, CheckpointStored) and undecided is not None:
                    self._write(undecided)
        return True

    def _fires(self, event: TimerFired) -> bool:
        deadline = self._timers.get(event.timer_id)
        if deadline is None or deadline > self._now + 1e-6:
            return False
        del self._timers[event.timer_id]
        return True

    def _note_outcome(self, event: HandlerAnswered) -> None:
        call, self._call = self._call, None
        if call is None or (call.invocation_id, call.attempt) != (event.invocation_id, event.attempt):
            raise Broken("an answer came without a call")
        call.outcome, handled = simulated_world.meaning(event.answer, call.numbers, self.story.policy)
        self.story.handled.update(handled)

    # Actions

    def _execute(self, action: Action) -> None:
        match action:
            case Read():
                self._read(action)
            case Arm():
                self._arm(action)
            case Disarm():
                self._is_armed = False
            case Invoke():
                self._invoke(action)
            case StoreCheckpoint():
                self._store(action)
            case SetTimer():
                self._timers[action.timer_id] = self._now + action.after_seconds
                self._later(action.after_seconds, TimerFired(timer_id=action.timer_id))
            case _:
                self._execute_rest(action)

    def _execute_rest(self, action: CancelTimer | Stopped | ReportMissed | CancelInvoke | Report) -> None:
        match action:
            case CancelTimer():
                self._timers.pop(action.timer_id, None)
            case ReportMissed():
                self.story.missed.append(action.missed)
            case Stopped():
                self._stopped(action)
            case CancelInvoke() | Report():
                pass
            case _:
                assert_never(action)

    def _stopped(self, action: Stopped) -> None:
        if action.reason != StopReason.ENDED:
            self._restart()
        elif not self._row.ended:
            raise Broken("the machine ended without a stored end")
        else:
            self._is_over = True

    def _read(self, read: Read) -> None:
        delay = self._chance.choice([0.001, 0.02, 0.5])
        if self._strikes(self._world.fault_rate):
            self._later(delay, ReadFailed(problem="away", retryable=self._chance.random() < 0.9))
        else:
            self._later(delay, self._world.read(read, self._now))

    def _arm(self, arm: Arm) -> None:
        if self._is_armed:
            raise Broken("a second watch was armed")
        self._is_armed = True
        self._later(self._world.wakes_after(arm.after, self._now) + 0.001, Woken(reason="grown"))

    def _invoke(self, invoke: Invoke) -> None:
        numbers = numbers_of(invoke.batch)
        if numbers_in(invoke.batch.payload()) != numbers:
            raise Broken("a batch's bytes are not its records")
        if self._call is not None:
            raise Broken("two batches of one shard are in flight")
        self._call = Attempt(numbers=numbers, attempt=invoke.attempt, invocation_id=invoke.invocation_id)
        self.story.began(self._call)
        answer = self._world.answer(numbers, self.story.policy, self._now)
        event = HandlerAnswered(invocation_id=invoke.invocation_id, attempt=invoke.attempt, answer=answer)
        self._later(self._chance.choice([0.001, 0.1, 2.0]), event)

    def _store(self, store: StoreCheckpoint) -> None:
        if self._is_storing:
            raise Broken("two checkpoints are being stored")
        self._is_storing = True
        delay = self._chance.choice([0.001, 0.05])
        if self._strikes(self._world.fault_rate / 2):
            self._later(delay, CheckpointFailed(problem="disk full"))
        elif self._strikes(self._world.fault_rate / 3):
            self._store_without_knowing(store, delay)
        else:
            self._undecided = store
            self._later(delay, CheckpointStored())

    def _store_without_knowing(self, store: StoreCheckpoint, delay: float) -> None:
        if self._chance.random() < 0.5:
            self._write(store)
        else:
            self.story.forgot()
        row = self._row
        self._later(delay, LeaseAdopted(checkpoint=row.checkpoint, state=row.state, generation=0, ended=row.ended))

    def _write(self, store: StoreCheckpoint) -> None:
        self.story.stored(store, now_millis=simulated_world.millis_at(self._now))
        self._row = Row(checkpoint=store.checkpoint, state=store.state, ended=store.ended)


def run(seed: int, make: MakeMachine = ShardMachine) -> Story:
    """Run a seed and check it. Raises Broken."""
    return Simulator(seed, make).run()
