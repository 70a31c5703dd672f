"""Records that wait to be sent, and when they are a batch.

A batch is due when it is full (batch size, or the next record does not fit into 6 MiB), when the batching window has
passed, or when the closed shard has no more. Without a window, what is there goes at once. The window starts when the
invoke before completes; if it passed while no record was there, a new one starts with the first record.
"""

from collections import deque

from mapping_service.core.batch import Batch
from mapping_service.core.page import Page, PageSlice
from mapping_service.core.policy import BATCH_SIZE_MAX, Policy


class Batcher:
    """The records of a shard that were read and are in no batch yet. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._slices: deque[PageSlice] = deque()
        self._count = 0
        self._encoded_bytes = 0
        self._window_start = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._slices

    @property
    def first(self) -> int | None:
        """Number of the first record that waits."""
        return self._slices[0].first if self._slices else None

    def pages(self) -> list[Page]:
        """The pages that it keeps in memory."""
        return [piece.page for piece in self._slices]

    def add(self, piece: PageSlice, policy: Policy, *, monotonic: float) -> None:
        """Records that were read; their numbers are above all others here."""
        if not self._slices and monotonic >= self.window_end(policy):
            self._window_start = monotonic
        self._slices.append(piece)
        self._count += len(piece)
        self._encoded_bytes += piece.encoded_bytes

    def has_room(self, policy: Policy) -> bool:
        """Whether more records are wanted: there is not yet a full batch. Bytes are counted as encoded, so early."""
        return self._count < policy.batch_size and self._encoded_bytes < policy.payload_bytes_max

    def window_end(self, policy: Policy) -> float:
        """When the window passes."""
        return self._window_start + policy.batching_window_seconds

    def restart_window(self, *, monotonic: float) -> None:
        """An invoke completed."""
        self._window_start = monotonic

    def take_due(self, policy: Policy, *, monotonic: float, is_last: bool) -> Batch | None:
        """The next batch, if it is due; it waits no longer. `is_last`: the shard has no more records."""
        if not self._slices:
            return None
        is_due = is_last or monotonic >= self.window_end(policy)
        if not is_due and self.has_room(policy):
            return None
        pieces, is_full = self._measure(policy.batch_size, policy.payload_bytes_max)
        return self._remove(pieces) if is_due or is_full else None

    def take_below(self, number: int, policy: Policy) -> Batch | None:
        """The first records with numbers below this, as many as one dead letter holds; None when there are none."""
        if not self._slices or self._slices[0].first >= number:
            return None
        pieces, _ = self._measure(BATCH_SIZE_MAX, policy.payload_bytes_max)
        counts = [(piece, piece.up_to(number - 1)) for piece in pieces]
        return self._remove([piece.head(count) for piece, count in counts if count])

    def clear(self) -> None:
        """Give up all records: they are read again."""
        self._slices.clear()
        self._count = self._encoded_bytes = 0

    def _measure(self, records_max: int, size_bytes_max: int) -> tuple[list[PageSlice], bool]:
        """The first records that fit together, at least one, and whether that is a full batch."""
        pieces: list[PageSlice] = []
        is_small = self._encoded_bytes <= size_bytes_max
        for piece in self._slices:
            part = piece if len(piece) <= records_max else piece.head(records_max)
            fitting = len(part) if is_small else part.fitting(size_bytes_max)
            if fitting < len(part):
                count = fitting or (0 if pieces else 1)
                return [*pieces, part.head(count)] if count else pieces, True
            pieces.append(part)
            records_max -= len(part)
            if records_max == 0:
                return pieces, True
            size_bytes_max -= 0 if is_small else part.size_bytes
        return pieces, False

    def _remove(self, pieces: list[PageSlice]) -> Batch:
        for piece in pieces:
            held = self._slices.popleft()
            if len(piece) < len(held):
                self._slices.appendleft(held.tail(len(piece)))
            self._count -= len(piece)
            self._encoded_bytes -= piece.encoded_bytes
        return Batch(tuple(pieces))
