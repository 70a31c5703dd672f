"""What is being delivered: a batch with its history. A failing shard has a stack of them, the next one on top.

Halving a batch puts its right half below its left one; the stack's ranges are neighbours in the shard, and nothing
after them is touched before the stack is empty. A range may have given up its bytes (rule D4): it is read again.
"""

from dataclasses import dataclass, replace

from mapping_service.core.batch import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A range of records that is delivered as one batch."""

    first: int
    last: int
    count: int
    attempts: int = 0
    """Failed attempts that counted."""
    breaks: int = 0
    """Broken calls that were free (rule D1)."""
    free_tries: int = 0
    """Failures in a row that cost no attempt; forgotten by a restart."""
    last_error: str = ""
    batch: Batch | None = None
    """Its records; None while its bytes are given up."""

    def holding(self, batch: Batch) -> "Work":
        """The same work with these records, which may be fewer: some were trimmed or expired."""
        return replace(self, first=batch.first, last=batch.last, count=batch.count, batch=batch)


def fresh(batch: Batch) -> Work:
    """New work: nothing was tried yet."""
    return Work(first=batch.first, last=batch.last, count=batch.count, batch=batch)
