"""Drives a shard's machine by hand: the world is a list of numbers, disks are instant, time stands still until told."""

from collections import deque
from collections.abc import Callable, Sequence

from mapping_service.core import names
from mapping_service.core.answer import Answer, Answered
from mapping_service.core.discard import ShardIdentity
from mapping_service.core.moment import Moment
from mapping_service.core.policy import Policy
from mapping_service.core.shard_events import (
    Action,
    Arm,
    CancelTimer,
    CheckpointStored,
    Disarm,
    Event,
    HandlerAnswered,
    Invoke,
    Read,
    RecordsRead,
    Report,
    SetTimer,
    Started,
    StoreCheckpoint,
    TimerFired,
    Woken,
)
from mapping_service.core.shard_machine import ShardMachine
from tests.support.records import a_page, numbers_of

SHARD_INDEX = 3
IDENTITY = ShardIdentity(mapping_id="mapping", shard_id="shardId-000000000003", shard_index=SHARD_INDEX)
NOW_MILLIS = 1_700_000_000_000

Handle = Callable[[list[int]], Answer]


class ShardDriver:
    """Executes actions at once. The handler answers when `answer` is called, or at once when `handle` is set."""

    def __init__(
        self,
        policy: Policy,
        numbers: Sequence[int] = (),
        *,
        handle: Handle | None = None,
        checkpoint: int = 0,
        state: str | None = None,
    ) -> None:
        self.numbers = list(numbers)
        self.is_closed = False
        self.handle = handle
        self.sent: list[Invoke] = []
        self.stored: list[StoreCheckpoint] = []
        self.reads: list[Read] = []
        self.reports: list[Report] = []
        self.others: list[Action] = []
        self.timers: dict[str, float] = {}
        self.is_armed = False
        self.stores_at_once = True
        self.reads_at_once = True
        self.seconds = 0.0
        self.random = 0.5
        self._events: deque[Event] = deque()
        self.machine = ShardMachine(identity=IDENTITY, policy=policy, checkpoint=checkpoint, state=state)
        self.step(Started())

    @property
    def batches(self) -> list[list[int]]:
        """The numbers of each batch that was sent."""
        return [numbers_of(invoke.batch) for invoke in self.sent]

    def moment(self) -> Moment:
        """Now."""
        millis = NOW_MILLIS + round(self.seconds * 1000)
        return Moment(monotonic=self.seconds, service_millis=millis, random=self.random)

    def step(self, event: Event) -> None:
        """Let something happen, and all that follows at once from it."""
        self._events.append(event)
        if len(self._events) > 1:
            return
        while self._events:
            for action in self.machine.step(self._events[0], self.moment()):
                self._execute(action)
            self._events.popleft()

    def answer(self, answer: Answer | None = None) -> None:
        """The handler answers the last batch; by default that it succeeded."""
        invoke = self.sent[-1]
        event = HandlerAnswered(invocation_id=invoke.invocation_id, attempt=invoke.attempt, answer=answer or Answered())
        self.step(event)

    def put(self, *numbers: int) -> None:
        """Records arrive, and wake whoever watches."""
        self.numbers.extend(numbers)
        if self.is_armed:
            self.is_armed = False
            self.step(Woken(reason="grown"))

    def pass_time(self, seconds: float) -> None:
        """Let time pass and fire what comes due, in order."""
        end = self.seconds + seconds
        while due := [(at, timer_id) for timer_id, at in self.timers.items() if at <= end]:
            at, timer_id = min(due)
            self.seconds = max(self.seconds, at)
            del self.timers[timer_id]
            self.step(TimerFired(timer_id=timer_id))
        self.seconds = end

    def read_answer(self, read: Read) -> RecordsRead:
        """What the world has for a read."""
        there = [number for number in self.numbers if number > read.after]
        page = [number for number in there if read.upto is None or number <= read.upto][: read.limit_records]
        position = page[-1] if page else read.after
        left = [number for number in there if number > position]
        return RecordsRead(
            page=a_page(page) if page else None,
            position=position,
            behind_millis=len(left),
            ended=self.is_closed and not left,
        )

    def _execute(self, action: Action) -> None:
        match action:
            case Read():
                self.reads.append(action)
                if self.reads_at_once:
                    self.step(self.read_answer(action))
            case Arm() | Disarm():
                self.is_armed = isinstance(action, Arm)
            case Invoke():
                self.sent.append(action)
                if self.handle is not None:
                    self.answer(self.handle(numbers_of(action.batch)))
            case StoreCheckpoint():
                self.stored.append(action)
                if self.stores_at_once:
                    self.step(CheckpointStored())
            case SetTimer():
                self.timers[action.timer_id] = self.seconds + action.after_seconds
            case CancelTimer():
                self.timers.pop(action.timer_id, None)
            case _:
                self._note(action)

    def _note(self, action: Action) -> None:
        if isinstance(action, Report):
            self.reports.append(action)
        else:
            self.others.append(action)


def failures(*numbers: int) -> Answered:
    """An answer that names these records as failed."""
    return Answered(failures=tuple(names.sequence_number(number, SHARD_INDEX) for number in numbers))
