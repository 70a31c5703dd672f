"""A discarded batch, as it is kept with its cause."""

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """Why a batch was discarded, in the words of AWS."""

    RETRY_ATTEMPTS_EXHAUSTED = "RetryAttemptsExhausted"
    RECORD_AGE_EXCEEDED = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Neighbouring records of a shard that were given up; stored together with the checkpoint that passes them."""

    dead_letter_id: str
    """A UUID made of the mapping, shard, range and seek generation: the same discard has the same id."""
    mapping_id: str
    shard_id: str
    shard_index: int
    first: int
    """Number of its first record."""
    last: int
    """Number of its last record."""
    count: int
    condition: Condition
    attempts: int
    """Attempts at exactly this batch that counted; 0 when it was never sent."""
    last_error: str
    """What the last failed attempt said; empty when there was none."""
    payload: bytes
    """Its records as encoded `repeated Record records = 1`; empty when the mapping's quota of bytes was used up."""
    create_millis: int
    """When it was discarded, by the stream service's clock."""
