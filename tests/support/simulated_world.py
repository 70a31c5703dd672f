"""The world around a simulated shard: its stream and its handler, drawn from a seed. In the end it always heals."""

import random

from mapping_service.core import names
from mapping_service.core.answer import Answer, Answered, CallFailed, InBandError
from mapping_service.core.policy import Policy
from mapping_service.core.shard_events import MissedRange, Read, RecordsRead
from tests.support.records import a_page

BIRTH_MILLIS = 1_700_000_000_000
SHARD_INDEX = 7


class World:
    """A shard with records that arrive over time, are trimmed, and are or are not to the handler's taste."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        arrival, self._arrivals = 0.0, {}
        for index in range(chance.randrange(1, 40)):
            arrival += chance.choice([0.0, 0.0, 0.001, 0.3, 3.0, 30.0])
            number = names.first_number_at(millis_at(arrival)) + index
            self._arrivals[number] = arrival
        self.records = list(self._arrivals)
        self.closes_at = arrival + chance.choice([0.0, 1.0, 50.0])
        self.heals_at = arrival + chance.choice([10.0, 100.0, 1000.0])
        self.fault_rate = chance.choice([0.0, 0.1, 0.3])
        self.crash_rate = chance.choice([0.0, 0.02, 0.1])
        poison_rate = chance.choice([0.0, 0.05, 0.3])
        self._poison = {number for number in self.records if chance.random() < poison_rate}
        self._retention_seconds = chance.choice([None, None, 5.0, 50.0])
        self._page_records = chance.choice([1, 3, 10_000])
        self.policy = self._draw_policy()

    def _draw_policy(self) -> Policy:
        chance = self._chance
        return Policy(
            batch_size=chance.choice([1, 2, 3, 5, 8, 100]),
            batching_window_seconds=chance.choice([0, 0, 0, 1, 5]),
            maximum_retry_attempts=chance.choice([None, 0, 0, 1, 2, 5]),
            maximum_record_age_seconds=chance.choice([None, None, 60]),
            bisect_batch_on_function_error=chance.random() < 0.5,
            report_batch_item_failures=chance.random() < 0.5,
            payload_bytes_max=chance.choice([6 * 1024 * 1024, 64, 24]),
        )

    def strikes(self, rate: float, now: float) -> bool:
        """Whether a fault happens."""
        return now < self.heals_at and self._chance.random() < rate

    def horizon(self, now: float) -> int:
        """Records up to this number are trimmed. Trimming stops when the world has healed."""
        if self._retention_seconds is None:
            return 0
        time = min(now, self.heals_at) - self._retention_seconds
        return max([number for number, arrival in self._arrivals.items() if arrival <= time], default=0)

    def read(self, read: Read, now: float) -> RecordsRead:
        """What the stream service answers."""
        horizon = self.horizon(now)
        after = max(read.after, horizon)
        there = [number for number, arrival in self._arrivals.items() if arrival <= now and number > after]
        wanted = [number for number in there if read.upto is None or number <= read.upto]
        page = wanted[: min(read.limit_records, self._page_records)]
        position = page[-1] if page else after
        gone = [number for number in self.records if read.after < number <= horizon]
        left = [number for number in there if number > position]
        return RecordsRead(
            page=a_page(page) if page else None,
            position=position,
            behind_millis=len(left),
            ended=now >= self.closes_at and not left,
            missed=MissedRange(after=read.after, until=horizon, count=len(gone)) if gone else None,
        )

    def wakes_after(self, position: int, now: float) -> float:
        """Seconds until the watch answers; now and then it answers for nothing."""
        grown = [arrival for number, arrival in self._arrivals.items() if number > position]
        wait = max(min([*grown, self.closes_at]) - now, 0.0)
        return min(wait, 0.01) if self._chance.random() < 0.05 else wait

    def answer(self, numbers: list[int], policy: Policy, now: float) -> Answer:
        """What the handler says."""
        if self.strikes(self.fault_rate, now):
            return self._fault()
        is_picky = policy.maximum_retry_attempts is not None or now < self.heals_at
        bad = [number for number in numbers if number in self._poison and is_picky]
        if not bad:
            return Answered()
        if policy.report_batch_item_failures and self._chance.random() < 0.8:
            shown = [names.sequence_number(number, SHARD_INDEX) for number in bad]
            self._chance.shuffle(shown)
            return Answered(failures=tuple(shown))
        return Answered(error=InBandError(type="Poison", retryable=self._chance.random() < 0.9))

    def _fault(self) -> Answer:
        faults: list[Answer] = [
            CallFailed(code="UNAVAILABLE", began_ready=False),
            CallFailed(code="UNAVAILABLE"),
            CallFailed(code="RESOURCE_EXHAUSTED", retry_after_seconds=0.5),
            CallFailed(code="RESOURCE_EXHAUSTED"),
            CallFailed(code="DEADLINE_EXCEEDED"),
            CallFailed(code="PERMISSION_DENIED"),
            Answered(failures=("nonsense",)),
        ]
        return self._chance.choice(faults)


def millis_at(seconds: float) -> int:
    """The stream service's clock at a moment of the run."""
    return BIRTH_MILLIS + int(seconds * 1000)


def meaning(answer: Answer, numbers: list[int], policy: Policy) -> tuple[str, list[int]]:
    """What the answer means for the batch, told apart from the code under test, and which records it handles."""
    if isinstance(answer, CallFailed):
        return _meaning_of_failed_call(answer), []
    if answer.error is not None:
        return ("failed" if answer.error.retryable else "fatal"), []
    if not answer.failures or not policy.report_batch_item_failures:
        return "ok", numbers
    if "nonsense" in answer.failures:
        return "failed", []
    lowest = min(int(text[:20]) for text in answer.failures if text)
    handled = [number for number in numbers if number < lowest]
    return ("partial" if handled else "failed"), handled


def _meaning_of_failed_call(failed: CallFailed) -> str:
    if failed.code == "UNAVAILABLE":
        return "break" if failed.began_ready else "free"
    return "free" if failed.code == "PERMISSION_DENIED" or failed.retry_after_seconds is not None else "failed"
