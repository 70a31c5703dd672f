"""Delivery keeps its promises in simulated lives with faults and crashes, and a machine that breaks one is caught."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from mapping_service.core import delivery_state, discard, outcome, retry
from mapping_service.core.batch import Batch
from mapping_service.core.batcher import Batcher
from mapping_service.core.dead_letter import Condition
from mapping_service.core.reader import Reader
from mapping_service.core.shard_machine import ShardMachine
from mapping_service.core.storing import Storing
from mapping_service.core.work import Work
from mapping_service.core.work_stack import WorkStack
from tests.support import simulator
from tests.support.story import Broken

SEEDS = 10_000 if os.environ.get("MILLRACE_TEST_SCALE") == "full" else 600
MUTANT_SEEDS = 600

Plant = Callable[[pytest.MonkeyPatch], None]


def test_every_life_of_a_shard_keeps_the_promises_of_delivery() -> None:
    stories = [simulator.run(seed) for seed in range(SEEDS)]

    # The runs are worth something only if all of this happens in them.
    assert sum(story.lives > 1 for story in stories) > SEEDS // 3
    assert sum(bool(story.missed) for story in stories) > SEEDS // 20
    assert {letter.condition for story in stories for letter in story.dead.values()} == set(Condition)
    outcomes = {attempt.outcome for story in stories for attempt in story.attempts}
    assert outcomes == {"ok", "partial", "failed", "fatal", "break", "free", "lost"}


def _skips_after_progress(patch: pytest.MonkeyPatch) -> None:
    original = retry.decide
    patch.setattr(
        retry,
        "decide",
        lambda result, *args, **rest: (
            retry.Pass() if isinstance(result, outcome.Progressed) else original(result, *args, **rest)
        ),
    )


def _forgets_the_stack(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delivery_state, "encode", lambda state: None)


def _forgets_the_attempts(patch: pytest.MonkeyPatch) -> None:
    original = delivery_state.encode
    patch.setattr(
        delivery_state,
        "encode",
        lambda state: original(replace(state, failing=tuple(replace(work, attempts=0) for work in state.failing))),
    )


def _reads_on_behind_the_failing_batch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Reader, "go_back", lambda self, position: None)


def _loses_what_was_read_ahead(patch: pytest.MonkeyPatch) -> None:
    original = ShardMachine._forget_read

    def forget(self: ShardMachine, position: int) -> None:
        ahead = self._reader.position
        original(self, position)
        self._reader.position = max(ahead, position)

    patch.setattr(ShardMachine, "_forget_read", forget)


def _sends_one_attempt_too_many(patch: pytest.MonkeyPatch) -> None:
    original = retry.decide

    def decide(result: outcome.Outcome, work: Work, *args: object, **rest: float) -> retry.Decision:
        return original(result, replace(work, attempts=max(work.attempts - 1, 0)), *args, **rest)  # type: ignore[arg-type]

    patch.setattr(retry, "decide", decide)


def _takes_the_right_half_first(patch: pytest.MonkeyPatch) -> None:
    original = WorkStack.replace_top
    patch.setattr(WorkStack, "replace_top", lambda self, *batches: original(self, *reversed(batches)))


def _splits_off_by_one(patch: pytest.MonkeyPatch) -> None:
    original = Batch.split

    def split(self: Batch, count: int) -> tuple[Batch, Batch]:
        left, _ = original(self, count)
        return left, original(self, count + 1)[1] if count + 1 < self.count else original(self, count)[1]

    patch.setattr(Batch, "split", split)


def _counts_what_is_free(patch: pytest.MonkeyPatch) -> None:
    original = outcome.judge

    def judge(*args: object, **rest: object) -> outcome.Outcome:
        result = original(*args, **rest)  # type: ignore[arg-type]
        return outcome.Failed(error=result.error) if isinstance(result, outcome.Held) else result

    patch.setattr(outcome, "judge", judge)


def _expires_a_minute_too_soon(patch: pytest.MonkeyPatch) -> None:
    original = discard.expiry_number
    patch.setattr(
        discard,
        "expiry_number",
        lambda policy, *, service_millis: original(policy, service_millis=service_millis + 30_000),
    )


def _does_not_wait_for_the_disk(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Storing, "is_busy", False)


def _keeps_bytes_in_back_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Batcher, "clear", lambda self: None)


def _sleeps_through_the_watch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Reader, "woken", lambda self, now: None)


def _takes_nonsense_for_success(patch: pytest.MonkeyPatch) -> None:
    original = outcome.judge

    def judge(*args: object, **rest: object) -> outcome.Outcome:
        result = original(*args, **rest)  # type: ignore[arg-type]
        is_nonsense = isinstance(result, outcome.Failed) and "names no record" in result.error
        return outcome.Succeeded() if is_nonsense else result

    patch.setattr(outcome, "judge", judge)


def _discards_without_a_trace(patch: pytest.MonkeyPatch) -> None:
    original = ShardMachine._store

    def store(self: ShardMachine, now: object, **rest: object) -> None:
        original(self, now, **{**rest, "dead_letter": None})  # type: ignore[arg-type]

    patch.setattr(ShardMachine, "_store", store)


def _ends_before_everything_is_sent(patch: pytest.MonkeyPatch) -> None:
    original = ShardMachine._go_on

    def go_on(self: ShardMachine, now: object) -> None:
        if self._reader.has_ended and not self._storing.is_busy and self._in_flight is None:
            self._batcher.clear()
        original(self, now)  # type: ignore[arg-type]

    patch.setattr(ShardMachine, "_go_on", go_on)


def _run_all(seeds: int) -> None:
    for seed in range(seeds):
        simulator.run(seed)


@pytest.mark.parametrize(
    "plant",
    [
        _skips_after_progress,
        _forgets_the_stack,
        _forgets_the_attempts,
        _reads_on_behind_the_failing_batch,
        _loses_what_was_read_ahead,
        _sends_one_attempt_too_many,
        _takes_the_right_half_first,
        _splits_off_by_one,
        _counts_what_is_free,
        _expires_a_minute_too_soon,
        _does_not_wait_for_the_disk,
        _keeps_bytes_in_back_off,
        _sleeps_through_the_watch,
        _takes_nonsense_for_success,
        _discards_without_a_trace,
        _ends_before_everything_is_sent,
    ],
)
def test_a_machine_that_breaks_a_promise_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)

    with pytest.raises(Broken):
        _run_all(MUTANT_SEEDS)
