"""What became of a shard's records since its machine was made, in numbers: for those who watch, not for delivery."""

from dataclasses import dataclass, fields, replace

from mapping_service.core.batch import Batch
from mapping_service.core.dead_letter import Condition
from mapping_service.core.outcome import Failed, Held, Outcome, Progressed
from mapping_service.core.retry import Advance, Bisect, Decision, Pass, Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts; each only rises. Tallies are added to each other."""

    delivered: int = 0
    """Records that the handler handled."""
    succeeded: int = 0
    """Calls that handled the whole batch."""
    partial: int = 0
    """Calls that handled the first records of the batch."""
    failed: int = 0
    """Calls that cost an attempt."""
    held: int = 0
    """Calls that did not get to the handler, or were turned away: they cost no attempt."""
    retries: int = 0
    """Times that the same batch was put off to be sent again."""
    bisections: int = 0
    """Times that a failing batch was split."""
    exhausted: int = 0
    """Records that were discarded because their attempts were used up."""
    expired: int = 0
    """Records that were discarded because they were too old."""
    dead_letters: int = 0
    """Dead letters that were made of discarded records."""
    missed: int = 0
    """Records that were trimmed before they were read."""

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Tally)})


NOTHING = Tally()


def after_answer(tally: Tally, outcome: Outcome, decision: Decision, batch: Batch) -> Tally:
    """With one more answer of the handler, and what was decided of it. A discard is counted with its dead letter."""
    counted = _with_outcome(tally, outcome)
    match decision:
        case Pass():
            return replace(counted, delivered=counted.delivered + batch.count)
        case Advance():
            return replace(counted, delivered=counted.delivered + decision.handled)
        case Bisect():
            return replace(counted, bisections=counted.bisections + 1)
        case Retry():
            return replace(counted, retries=counted.retries + 1)
    return counted


def after_discard(tally: Tally, condition: Condition, count: int) -> Tally:
    """With so many more records given up."""
    letters = tally.dead_letters + 1
    if condition is Condition.RECORD_AGE_EXCEEDED:
        return replace(tally, expired=tally.expired + count, dead_letters=letters)
    return replace(tally, exhausted=tally.exhausted + count, dead_letters=letters)


def _with_outcome(tally: Tally, outcome: Outcome) -> Tally:
    match outcome:
        case Progressed():
            return replace(tally, partial=tally.partial + 1)
        case Failed():
            return replace(tally, failed=tally.failed + 1)
        case Held():
            return replace(tally, held=tally.held + 1)
    return replace(tally, succeeded=tally.succeeded + 1)
