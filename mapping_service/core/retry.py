"""What to do after an outcome: the mapping's retry rules, as one decision."""

from dataclasses import dataclass

from mapping_service.core import backoff
from mapping_service.core.outcome import Failed, Held, Outcome, Progressed, Succeeded
from mapping_service.core.policy import Policy
from mapping_service.core.work import Work


@dataclass(frozen=True, slots=True)
class Pass:
    """The batch is handled: move the checkpoint past it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Move the checkpoint past the first records; the rest is a new batch with all its attempts."""

    handled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisect:
    """Two new batches, each with all its attempts; splitting costs none."""

    left: int
    """Records of the left one, which goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Send the same batch again."""

    after_seconds: float
    counts: bool
    """Whether an attempt is used up, and must be remembered."""
    is_break: bool = False


@dataclass(frozen=True, slots=True)
class Discard:
    """Give the batch up: its attempts are used up, or the handler said that more would not help."""


Decision = Pass | Advance | Bisect | Retry | Discard


def decide(outcome: Outcome, work: Work, policy: Policy, *, random: float) -> Decision:
    """Judge a batch whose attempt came to this. `work` is as before the attempt."""
    if isinstance(outcome, Succeeded):
        return Pass()
    if isinstance(outcome, Progressed):
        return Advance(handled=outcome.handled)
    if isinstance(outcome, Held):
        wait = backoff.free_seconds(work.free_tries + 1, retry_after_seconds=outcome.retry_after_seconds, random=random)
        return Retry(after_seconds=wait, counts=False, is_break=outcome.is_break)
    return _decide_failed(outcome, work, policy, random=random)


def _decide_failed(outcome: Failed, work: Work, policy: Policy, *, random: float) -> Decision:
    if not outcome.retryable:
        return Discard()
    if policy.bisect_batch_on_function_error and work.count > 1:
        return Bisect(left=work.count // 2)
    if policy.maximum_retry_attempts is not None and work.attempts >= policy.maximum_retry_attempts:
        return Discard()
    wait = backoff.delay_seconds(work.attempts + 1, seconds_max=backoff.COUNTED_SECONDS_MAX, random=random)
    return Retry(after_seconds=wait, counts=True)
