"""What happened to a simulated shard, and the promises of delivery that it must have kept.

- Nothing is skipped: a record that a checkpoint passes was handled, or is in a dead letter, or was trimmed.
- Order: a batch is sent only when everything before it is settled, and settled means stored.
- Attempts are bounded by the mapping's limit and survive restarts, but for those whose outcome was never stored.
- A batch is discarded after exactly its attempts, singly where it may be split, and never before its age.
- Checkpoints only rise; a batch in back-off holds no bytes.
"""

from dataclasses import dataclass, field

from mapping_service.core import names
from mapping_service.core.dead_letter import Condition, DeadLetter
from mapping_service.core.policy import Policy
from mapping_service.core.shard_events import MissedRange, StoreCheckpoint
from tests.support.records import numbers_in


class Broken(AssertionError):
    """A promise of delivery does not hold."""


@dataclass
class Attempt:
    """One call of the handler."""

    numbers: list[int]
    attempt: int
    invocation_id: str
    outcome: str = "lost"
    """`ok`, `partial`, `failed`, `fatal` (not retryable), `break`, `free`; `lost` while there is no answer."""
    is_stored: bool = False
    """Whether a checkpoint was stored after it failed."""


@dataclass
class Story:
    """What happened in a run, told as it happens. Raises Broken at the first broken promise."""

    policy: Policy
    records: list[int]
    attempts: list[Attempt] = field(default_factory=list)
    handled: set[int] = field(default_factory=set)
    dead: dict[int, DeadLetter] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    """Attempts of a batch whose outcome was stored, by invocation id."""
    trimmed_to: int = 0
    missed: list[MissedRange] = field(default_factory=list)
    checkpoint: int = 0
    lives: int = 1

    def unsettled(self, *, after: int, upto: int) -> list[int]:
        """Records in a range that were neither handled nor discarded nor trimmed."""
        return [
            number
            for number in self.records
            if max(after, self.trimmed_to) < number <= upto and number not in self.handled and number not in self.dead
        ]

    def holes(self, numbers: list[int]) -> list[int]:
        """Records that are missing within a run of records, but for those that were trimmed."""
        inside = [number for number in self.records if numbers[0] <= number <= numbers[-1]]
        return [number for number in inside if number not in numbers and number > self.trimmed_to]

    def began(self, attempt: Attempt) -> None:
        """A batch is sent."""
        numbers = attempt.numbers
        skipped = [n for n in self.records if max(self.checkpoint, self.trimmed_to) < n < numbers[0]]
        if skipped:
            raise Broken(f"{skipped} are passed by before they are settled")
        if numbers[0] <= self.checkpoint:
            raise Broken("a record is sent again though the checkpoint passed it")
        if self.holes(numbers):
            raise Broken("a batch has holes")
        if len(numbers) > 1 and 8 * len(numbers) > self.policy.payload_bytes_max:
            raise Broken("a batch is too large")
        limit = self.policy.maximum_retry_attempts
        if limit is not None and attempt.attempt > limit + 1:
            raise Broken(f"attempt {attempt.attempt} was made, at most {limit + 1} may be")
        if attempt.attempt <= self.counted.get(attempt.invocation_id, 0):
            raise Broken("an attempt that counted was forgotten")
        self.attempts.append(attempt)

    def stored(self, store: StoreCheckpoint, *, now_millis: int) -> None:
        """A checkpoint is on disk."""
        if store.checkpoint < self.checkpoint:
            raise Broken("a checkpoint went back")
        for letter in store.dead_letters:
            self._discarded(letter, now_millis=now_millis)
        lost = self.unsettled(after=self.checkpoint, upto=store.checkpoint)
        if lost:
            raise Broken(f"the checkpoint passes {lost}, which nobody handled")
        self.checkpoint = store.checkpoint
        last = self.attempts[-1] if self.attempts else None
        if last is None:
            return
        last.is_stored = last.outcome != "lost"
        if last.outcome in ("failed", "fatal"):
            self.counted[last.invocation_id] = last.attempt

    def forgot(self) -> None:
        """What became of the last attempt was not stored, and is not known to anybody any more."""
        last = self.attempts[-1] if self.attempts else None
        if last is not None and not last.is_stored and last.outcome in ("failed", "fatal", "break"):
            last.outcome = "lost"

    def check_end(self) -> None:
        """The shard is done."""
        lost = self.unsettled(after=0, upto=self.records[-1])
        if lost:
            raise Broken(f"{lost} were never settled")

    def _discarded(self, letter: DeadLetter, *, now_millis: int) -> None:
        numbers = numbers_in(letter.payload)
        if (numbers[0], numbers[-1], len(numbers)) != (letter.first, letter.last, letter.count):
            raise Broken("a dead letter does not hold its records")
        if self.holes(numbers):
            raise Broken("a dead letter has holes")
        if letter.condition == Condition.RECORD_AGE_EXCEEDED:
            self._check_age(letter, now_millis=now_millis)
        else:
            self._check_exhausted(letter)
        self.dead.update(dict.fromkeys(numbers, letter))

    def _check_age(self, letter: DeadLetter, *, now_millis: int) -> None:
        limit = self.policy.maximum_record_age_seconds
        if limit is None or now_millis - names.arrival_millis(letter.last) < limit * 1000:
            raise Broken("a record was discarded before its time")

    def _check_exhausted(self, letter: DeadLetter) -> None:
        limit = self.policy.maximum_retry_attempts
        sent = [call for call in self.attempts if call.numbers[0] <= letter.first and letter.last == call.numbers[-1]]
        if not sent or sent[-1].outcome == "ok":
            raise Broken("a batch was discarded that did not fail")
        if sent[-1].outcome != "fatal" and (limit is None or letter.attempts != limit + 1):
            raise Broken(f"a batch was discarded after {letter.attempts} attempts")
        if len([call for call in sent if call.outcome not in ("ok", "free", "lost")]) < letter.attempts:
            raise Broken("a dead letter counts attempts that do not count")
        if self.policy.bisect_batch_on_function_error and letter.count > 1 and sent[-1].outcome != "fatal":
            raise Broken("a batch was discarded whole, though it may be split")
