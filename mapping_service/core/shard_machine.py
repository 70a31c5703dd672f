"""How one shard is delivered, as a pure state machine: events in, actions out (decision 16, rules D1 to D6, K4).

    read -> batcher -> work -> invoke -> decide -> store -> next
                        ^                   |
                        +-- retry, bisect --+

The machine does one of these at a time: it stores a checkpoint, or the handler has a batch, or a failed batch waits, or
it forms the next batch. Reading goes on beside, one page ahead, but not while a batch fails. Order of the world:
handler answered -> checkpoint with state and dead letters stored -> next batch. So a crash anywhere repeats records and
never skips one, and what must survive it is exactly the stored state.
"""

from dataclasses import replace
from typing import assert_never

from mapping_service.core import delivery_state, discard, names, outcome, reporter, retry, tally, work_stack
from mapping_service.core.batch import Batch
from mapping_service.core.batcher import Batcher
from mapping_service.core.dead_letter import Condition, DeadLetter
from mapping_service.core.delivery_state import DeliveryState
from mapping_service.core.discard import Cause, ShardIdentity
from mapping_service.core.moment import Moment
from mapping_service.core.outcome import Outcome
from mapping_service.core.policy import BATCH_SIZE_MAX, Policy
from mapping_service.core.reader import Reader
from mapping_service.core.shard_events import (
    Action,
    CancelInvoke,
    CheckpointFailed,
    CheckpointStored,
    Event,
    HandlerAnswered,
    Invoke,
    LeaseAdopted,
    LeaseWasLost,
    MappingChanged,
    Phase,
    Read,
    ReadFailed,
    RecordsRead,
    ReportMissed,
    Started,
    Stopped,
    StopReason,
    StopRequested,
    StoreCheckpoint,
    TimerFired,
    Woken,
)
from mapping_service.core.storing import Storing
from mapping_service.core.timers import Timers
from mapping_service.core.work import Work

RETRY_TIMER = "retry"
STORE_TIMER = "store"
READ_TIMER = "read"
WINDOW_TIMER = "window"


class ShardMachine:
    """Delivers one shard of one mapping. Begin with `step(Started(), now)`; after Stopped it asks for nothing."""

    def __init__(self, *, identity: ShardIdentity, policy: Policy, checkpoint: int, state: str | None = None) -> None:
        """Continue from a lease row. Raises StateNotReadable when its state is damaged or of an unknown version."""
        self._identity = identity
        self._policy = policy
        self._checkpoint = checkpoint
        self._restored = delivery_state.decode(state, checkpoint=checkpoint)
        self._batcher = Batcher()
        self._stack = work_stack.WorkStack()
        self._reader = Reader(checkpoint)
        self._timers = Timers()
        self._reporter = reporter.Reporter()
        self._in_flight: Invoke | None = None
        self._storing = Storing()
        self._gone_until = checkpoint
        self._is_stopping = False
        self._stopped: StopReason | None = None
        self._actions: list[Action] = []
        self.tally = tally.NOTHING
        """What became of its records."""

    def step(self, event: Event, now: Moment) -> list[Action]:
        """Take in what happened; answers what is to be done, in this order."""
        if self._stopped is not None:
            return []
        self._actions = []
        self._take_in(event, now)
        if self._stopped is None:
            self._go_on(now)
        if self._stopped is None:
            self._read_on(now)
        self._finish_step(now)
        return self._actions

    @property
    def checkpoint(self) -> int:
        """Every record up to this number is settled, and that is stored."""
        return self._checkpoint

    @property
    def attempts(self) -> int:
        """Failed attempts at the present batch."""
        return self._stack.top.attempts if self._stack.top else 0

    @property
    def last_error(self) -> str:
        """What went wrong last with the present batch; empty when nothing did."""
        return self._stack.top.last_error if self._stack.top else ""

    @property
    def behind_millis(self) -> int:
        """How far the last read was behind the newest record."""
        return self._reader.behind_millis

    def waited_millis(self, now: Moment) -> int:
        """For how long the oldest record that is read and not settled has waited; what lies unread if there is none.

        0 when everything is delivered, as far as is known.
        """
        oldest = self._stack.top.first if self._stack.top else self._batcher.first
        return self.behind_millis if oldest is None else max(now.service_millis - names.arrival_millis(oldest), 0)

    @property
    def held_bytes(self) -> int:
        """Bytes of the pages that are kept in memory (rule D4)."""
        pages = {id(page): page for page in (*self._batcher.pages(), *self._stack.pages())}
        return sum(len(page.payload) for page in pages.values())

    @property
    def phase(self) -> Phase:
        """What it is doing."""
        if self._stopped == StopReason.ENDED:
            return Phase.DONE
        if self._is_stopping or self._stopped is not None:
            return Phase.DRAINING
        if self._in_flight is not None:
            return Phase.INVOKING
        if self._stack.is_failing:
            return Phase.BACKING_OFF
        return Phase.POLLING if self._batcher.is_empty else Phase.FILLING_BATCH

    # What happened

    def _take_in(self, event: Event, now: Moment) -> None:
        match event:
            case RecordsRead():
                self._on_records(event, now)
            case HandlerAnswered():
                self._on_answer(event, now)
            case CheckpointStored():
                self._on_stored()
            case Woken():
                self._reader.woken(now)
            case TimerFired():
                self._timers.fired(event.timer_id)
            case ReadFailed():
                self._on_read_failed(event, now)
            case CheckpointFailed():
                self._on_not_stored(event, now)
            case _:
                self._take_in_command(event, now)

    def _take_in_command(
        self, event: Started | LeaseAdopted | LeaseWasLost | MappingChanged | StopRequested, now: Moment
    ) -> None:
        match event:
            case Started():
                self._restore(self._restored, now)
            case LeaseAdopted():
                self._on_adopted(event, now)
            case LeaseWasLost():
                self._stop(StopReason.LEASE_LOST)
            case MappingChanged():
                self._policy = event.policy
            case StopRequested():
                self._is_stopping = True
            case _:
                assert_never(event)

    def _on_records(self, event: RecordsRead, now: Moment) -> None:
        read = self._reader.answered()
        if read is None:
            return
        self._reader.succeeded(event)
        self._reporter.reading_problem = None
        if event.missed is not None:
            self.tally = replace(self.tally, missed=self.tally.missed + event.missed.count)
            self._actions.append(ReportMissed(missed=event.missed))
        if read.upto is None:
            self._take_in_fresh(event, read, now)
            return
        if not self._stack.gather(event, after=read.after):
            self._reader.wait(now)
        self._gone_until = max(self._gone_until, self._stack.gone_until)
        self._reader.skip_to(self._stack.gone_until)

    def _take_in_fresh(self, event: RecordsRead, read: Read, now: Moment) -> None:
        piece = work_stack.clip(event.page, after=read.after)
        if piece is not None:
            self._batcher.add(piece, self._policy, monotonic=now.monotonic)
        elif event.page is not None:
            self._reader.wait(now)
        else:
            self._reader.calm_down(now)
        if event.missed is not None:
            self._gone_until = max(self._gone_until, event.missed.until)
        self._reader.moved(event)

    def _on_read_failed(self, event: ReadFailed, now: Moment) -> None:
        if self._reader.answered() is None:
            return
        self._reader.failed(event, now)
        self._reporter.reading_problem = event.problem

    def _on_answer(self, event: HandlerAnswered, now: Moment) -> None:
        invoke, top = self._in_flight, self._stack.top
        if invoke is None or top is None:
            return
        if (event.invocation_id, event.attempt) != (invoke.invocation_id, invoke.attempt):
            return
        self._in_flight = None
        self._batcher.restart_window(monotonic=now.monotonic)
        result = outcome.judge(
            event.answer,
            invoke.batch,
            shard_index=self._identity.shard_index,
            obeys_failures=self._policy.report_batch_item_failures,
            breaks=top.breaks,
        )
        self._reporter.result = reporter.result_of(result)
        self._settle(result, top, invoke.batch, now)

    def _on_stored(self) -> None:
        stored = self._storing.stored()
        if stored is None:
            return
        self._checkpoint = stored.checkpoint
        self._reporter.storing_problem = None
        if stored.ended:
            self._stop(StopReason.ENDED)

    def _on_not_stored(self, event: CheckpointFailed, now: Moment) -> None:
        if self._storing.is_busy:
            self._storing.failed(now)
            self._reporter.storing_problem = event.problem

    def _on_adopted(self, event: LeaseAdopted, now: Moment) -> None:
        if self._in_flight is not None:
            self._actions.append(CancelInvoke())
        self._in_flight = None
        self._storing.forget()
        self._reporter.storing_problem = None
        self._identity = replace(self._identity, generation=event.generation)
        self._restore(delivery_state.decode(event.state, checkpoint=event.checkpoint), now)
        if event.ended:
            self._stop(StopReason.ENDED)

    def _restore(self, state: DeliveryState, now: Moment) -> None:
        self._checkpoint = self._gone_until = state.checkpoint
        self._stack.restore(state, now)
        self._forget_read(state.failing[0].last if state.failing else state.checkpoint)
        self._batcher.restart_window(monotonic=now.monotonic)

    # What becomes of a batch

    def _settle(self, result: Outcome, top: Work, batch: Batch, now: Moment) -> None:
        decision = retry.decide(result, top, self._policy, random=now.random)
        self.tally = tally.after_answer(self.tally, result, decision, batch)
        match decision:
            case retry.Pass():
                self._stack.pop()
                self._store(now, checkpoint=batch.last)
            case retry.Advance():
                handled, rest = batch.split(decision.handled)
                self._stack.replace_top(rest)
                self._store(now, checkpoint=handled.last)
            case retry.Bisect():
                self._stack.replace_top(*batch.split(decision.left))
                self._store(now, checkpoint=self._checkpoint)
            case retry.Retry():
                self._retry_later(decision, outcome.error_of(result), now)
            case retry.Discard():
                condition = Condition.RETRY_ATTEMPTS_EXHAUSTED
                cause = Cause(condition=condition, attempts=top.attempts + 1, last_error=outcome.error_of(result))
                self._stack.pop()
                self._store(now, checkpoint=batch.last, dead_letter=self._dead_letter(batch, cause, now))
            case _:
                assert_never(decision)

    def _retry_later(self, decision: retry.Retry, error: str, now: Moment) -> None:
        self._stack.retry_top(decision, error=error, now=now)
        self._forget_read(self._stack.last or self._checkpoint)
        if decision.counts:
            self._store(now, checkpoint=self._checkpoint)

    def _discard_expired(self, top: Work, batch: Batch, now: Moment) -> bool:
        """Cut off the records of the top that are too old. False when there are none."""
        number = discard.expiry_number(self._policy, service_millis=now.service_millis)
        count = batch.count_up_to(number - 1) if number else 0
        if count == 0:
            return False
        condition = Condition.RECORD_AGE_EXCEEDED
        cause = Cause(condition=condition, attempts=top.attempts, last_error=top.last_error)
        if count == batch.count:
            expired = batch
            self._stack.pop()
        else:
            expired, rest = batch.split(count)
            self._stack.shorten_top(rest)
        self._store(now, checkpoint=expired.last, dead_letter=self._dead_letter(expired, cause, now))
        return True

    def _dead_letter(self, batch: Batch, cause: Cause, now: Moment) -> DeadLetter:
        self.tally = tally.after_discard(self.tally, cause.condition, batch.count)
        return discard.dead_letter(self._identity, batch, cause, create_millis=now.service_millis)

    # What to do next

    def _go_on(self, now: Moment) -> None:
        """One thing at a time: store, or invoke, or wait, or form a batch."""
        if self._storing.is_busy:
            self._store_again(now)
        elif self._in_flight is not None:
            return
        elif self._is_stopping:
            self._stop(StopReason.REQUESTED)
        elif self._stack.top is not None:
            self._attempt(self._stack.top, now)
        elif not self._batcher.is_empty:
            self._form_batch(now)
        elif self._reader.has_ended:
            self._store(now, checkpoint=self._gone_until, ended=True)
        elif self._gone_until > self._checkpoint:
            self._store(now, checkpoint=self._gone_until)

    def _form_batch(self, now: Moment) -> None:
        number = discard.expiry_number(self._policy, service_millis=now.service_millis)
        expired = self._batcher.take_below(number, self._policy)
        if expired is not None:
            cause = Cause(condition=Condition.RECORD_AGE_EXCEEDED)
            self._store(now, checkpoint=expired.last, dead_letter=self._dead_letter(expired, cause, now))
            return
        batch = self._batcher.take_due(self._policy, monotonic=now.monotonic, is_last=self._reader.has_ended)
        if batch is not None:
            self._attempt(self._stack.push(batch), now)

    def _attempt(self, top: Work, now: Moment) -> None:
        batch = top.batch
        if batch is None or self._stack.retry_at(now) is not None or self._discard_expired(top, batch, now):
            return
        invocation_id = self._identity.invocation_id(batch.first, batch.last)
        self._in_flight = Invoke(batch=batch, invocation_id=invocation_id, attempt=top.attempts + 1)
        self._actions.append(self._in_flight)

    def _store(
        self, now: Moment, *, checkpoint: int, dead_letter: DeadLetter | None = None, ended: bool = False
    ) -> None:
        checkpoint = max(checkpoint, self._checkpoint)
        store = StoreCheckpoint(
            checkpoint=checkpoint,
            state=delivery_state.encode(self._stack.state(checkpoint, now)),
            dead_letters=(dead_letter,) if dead_letter else (),
            ended=ended,
        )
        self._actions.append(self._storing.start(store))

    def _store_again(self, now: Moment) -> None:
        store = self._storing.due(now)
        if store is not None:
            self._actions.append(store)

    def _read_on(self, now: Moment) -> None:
        """Beside all else: read the failing batch again, or one page ahead."""
        if self._is_stopping or self._reader.is_reading or self._reader.pause_end(now) is not None:
            return
        limit_bytes = self._policy.payload_bytes_max
        if self._stack.is_failing:
            missing = self._stack.missing(limit_bytes=limit_bytes)
            if missing is not None and self._stack.retry_at(now) is None:
                self._actions.append(self._reader.read(missing))
        elif self._batcher.has_room(self._policy):
            action = self._reader.next_fresh(now, limit_records=BATCH_SIZE_MAX, limit_bytes=limit_bytes)
            if action is not None:
                self._actions.append(action)

    def _forget_read(self, position: int) -> None:
        """Give up what is read ahead; read on behind this position."""
        self._batcher.clear()
        disarm = self._reader.go_back(position)
        if disarm is not None:
            self._actions.append(disarm)

    def _stop(self, reason: StopReason) -> None:
        if self._in_flight is not None:
            self._actions.append(CancelInvoke())
        self._in_flight = None
        self._storing.forget()
        self._stack.clear()
        self._forget_read(self._checkpoint)
        self._stopped = reason

    def _finish_step(self, now: Moment) -> None:
        report = self._reporter.change()
        if report is not None:
            self._actions.append(report)
        wanted = self._wanted_timers(now) if self._stopped is None else {}
        self._actions.extend(self._timers.change(wanted, monotonic=now.monotonic))
        if self._stopped is not None:
            self._actions.append(Stopped(reason=self._stopped))

    def _wanted_timers(self, now: Moment) -> dict[str, float]:
        wanted: dict[str, float] = {}
        retry_at, pause_end = self._stack.retry_at(now), self._reader.pause_end(now)
        if retry_at is not None:
            wanted[RETRY_TIMER] = retry_at
        if pause_end is not None:
            wanted[READ_TIMER] = pause_end
        if self._storing.again_at is not None:
            wanted[STORE_TIMER] = self._storing.again_at
        if not self._storing.is_busy and self._stack.top is None and not self._batcher.is_empty:
            wanted[WINDOW_TIMER] = self._batcher.window_end(self._policy)
        return wanted
