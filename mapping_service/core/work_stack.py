"""The batch in delivery, and while it fails, everything that is left of it: a stack of ranges, the next one on top.

The ranges are neighbours in the shard; what lies behind the lowest one is not delivered before the stack is empty. In
a back-off the ranges stay and their bytes are given up (rule D4); the top is then read again, in as many reads as it
takes, and is delivered less what was trimmed meanwhile.
"""

from dataclasses import replace

from mapping_service.core import work
from mapping_service.core.batch import Batch
from mapping_service.core.delivery_state import DeliveryState
from mapping_service.core.moment import Moment
from mapping_service.core.page import Page, PageSlice
from mapping_service.core.retry import Retry
from mapping_service.core.shard_events import Read, RecordsRead
from mapping_service.core.work import Work


class WorkStack:
    """What is being delivered. Empty when nothing is."""

    def __init__(self) -> None:
        self._stack: list[Work] = []
        self._gathered: list[PageSlice] = []
        self._retry_at: float | None = None
        self.is_failing = False
        """Whether something in it failed already, so that it must be remembered and nothing is read ahead."""
        self.gone_until = 0
        """Records up to this number were trimmed before they were settled."""

    @property
    def top(self) -> Work | None:
        """What is delivered next; None when nothing is."""
        return self._stack[-1] if self._stack else None

    @property
    def last(self) -> int | None:
        """Number of the last record of all its ranges; None when there is none."""
        return self._stack[0].last if self._stack else None

    def retry_at(self, now: Moment) -> float | None:
        """Monotonic second before which nothing is sent; None when there is no back-off."""
        if self._retry_at is None or now.monotonic >= self._retry_at:
            return None
        return self._retry_at

    def pages(self) -> list[Page]:
        """The pages that it keeps in memory."""
        held = [page for item in self._stack if item.batch for page in item.batch.pages()]
        return [*held, *(piece.page for piece in self._gathered)]

    def clear(self) -> None:
        """Forget everything."""
        self._stack, self._gathered = [], []
        self._retry_at = None
        self.is_failing = False

    def restore(self, state: DeliveryState, now: Moment) -> None:
        """Continue from what was stored."""
        self._stack = list(state.failing)
        self._gathered = []
        self.is_failing = bool(state.failing)
        self._retry_at = now.monotonic + state.backoff_seconds if state.failing else None

    def state(self, checkpoint: int, now: Moment) -> DeliveryState:
        """What a restart must know. A batch that did not fail yet is formed anew."""
        failing = tuple(self._stack) if self.is_failing else ()
        left = max(self._retry_at - now.monotonic, 0.0) if self._retry_at is not None else 0.0
        return DeliveryState(checkpoint=checkpoint, failing=failing, backoff_seconds=left)

    # What becomes of the top

    def push(self, batch: Batch) -> Work:
        """A new batch, on an empty stack."""
        top = work.fresh(batch)
        self._stack.append(top)
        return top

    def pop(self) -> None:
        """The top is settled."""
        self._stack.pop()
        self._retry_at = None
        self.is_failing = self.is_failing and bool(self._stack)

    def replace_top(self, *batches: Batch) -> None:
        """In place of the top these new batches, the first one on top, with all their attempts."""
        self._stack.pop()
        self._stack.extend(work.fresh(batch) for batch in reversed(batches))
        self._retry_at = None
        self.is_failing = True

    def shorten_top(self, batch: Batch) -> None:
        """The top goes on with these of its records: the others were too old."""
        self._stack.append(self._stack.pop().holding(batch))

    def retry_top(self, retry: Retry, *, error: str, now: Moment) -> None:
        """Send the top again after a back-off; until then nothing is kept in memory."""
        top = self._stack.pop()
        again = replace(
            top,
            attempts=top.attempts + (1 if retry.counts else 0),
            breaks=top.breaks + (1 if retry.is_break else 0),
            free_tries=0 if retry.counts else top.free_tries + 1,
            last_error=error,
        )
        self._stack = [replace(item, batch=None) for item in (*self._stack, again)]
        self._retry_at = now.monotonic + retry.after_seconds
        self.is_failing = True

    # Reading the top again

    def missing(self, *, limit_bytes: int) -> Read | None:
        """What must be read before the top can be sent; None when it is there or the stack is empty."""
        top = self.top
        if top is None or top.batch is not None:
            return None
        after = self._gathered[-1].last if self._gathered else top.first - 1
        return Read(after=after, upto=top.last, limit_records=max(top.count, 1), limit_bytes=limit_bytes)

    def gather(self, event: RecordsRead, *, after: int) -> bool:
        """Take in records of the top. False when the answer holds none that is missing, and none is gone."""
        top = self._stack[-1]
        if event.missed is not None and event.missed.until >= top.last:
            self._pass_over(event.missed.until)
            return True
        piece = clip(event.page, after=after, upto=top.last)
        if piece is not None:
            self._gathered.append(piece)
        if top.last <= max(event.position, piece.last if piece else after):
            self._complete(top)
            return True
        return piece is not None

    def _complete(self, top: Work) -> None:
        """Everything that there is of the top was read."""
        pieces, self._gathered = tuple(self._gathered), []
        if pieces:
            self.shorten_top(Batch(pieces))
        else:
            self._pass_over(top.last)

    def _pass_over(self, until: int) -> None:
        """Records up to this number are gone: drop their ranges, shorten the one that is cut."""
        self._gathered = []
        self.gone_until = max(self.gone_until, until)
        left = [item for item in self._stack if item.last > until]
        self._stack = [replace(item, first=max(item.first, until + 1)) for item in left]
        self.is_failing = bool(self._stack)


def clip(page: Page | None, *, after: int, upto: int | None = None) -> PageSlice | None:
    """The records of a page that are within these bounds; None when none are."""
    if page is None or len(page) == 0:
        return None
    piece = page.whole()
    below = piece.up_to(after) if piece.first <= after else 0
    above = len(piece) if upto is None or piece.last <= upto else piece.up_to(upto)
    return PageSlice(page, below, above) if below < above else None
