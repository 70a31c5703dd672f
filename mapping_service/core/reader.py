"""Where a machine reads on, and whether it is reading, watching or waiting to read.

One read is in flight at a time, and one watch is armed at a time. At the newest record nothing is read: the watch is
armed, which answers at once if something came meanwhile (rule D2). What is in flight when the machine changes its
mind is thrown away when it comes.
"""

from mapping_service.core import backoff
from mapping_service.core.moment import Moment
from mapping_service.core.shard_events import Arm, Disarm, Read, ReadFailed, RecordsRead

HASTY_SECONDS = 0.05
HASTY_WAKES_MAX = 3
HASTY_PAUSE_SECONDS = 0.5
"""A watch that answers again and again without a record must not make a busy loop: then it is armed after a pause."""


class Reader:
    """The reading side of a shard."""

    def __init__(self, position: int) -> None:
        self.position = position
        """Everything up to here is read, or not wanted."""
        self.has_ended = False
        """Whether the shard is closed and read to its end."""
        self.behind_millis = 0
        self._is_at_tip = False
        self._in_flight: Read | None = None
        self._is_stale = False
        self._armed_at: float | None = None
        self._pause_until: float | None = None
        self._failures = 0
        self._hasty_wakes = 0

    @property
    def is_reading(self) -> bool:
        """Whether a read is in flight, wanted or not."""
        return self._in_flight is not None

    def pause_end(self, now: Moment) -> float | None:
        """Until when nothing is read nor armed; None when there is no pause."""
        if self._pause_until is None or now.monotonic >= self._pause_until:
            return None
        return self._pause_until

    def read(self, read: Read) -> Read:
        """Start a read."""
        self._in_flight, self._is_stale = read, False
        return read

    def next_fresh(self, now: Moment, *, limit_records: int, limit_bytes: int) -> Read | Arm | None:
        """What to do to get more records, now that there is room and no pause."""
        if self.has_ended or self.is_reading:
            return None
        if not self._is_at_tip:
            return self.read(Read(after=self.position, limit_records=limit_records, limit_bytes=limit_bytes))
        if self._armed_at is not None:
            return None
        self._armed_at = now.monotonic
        return Arm(after=self.position)

    def answered(self) -> Read | None:
        """The read that an answer belongs to; None when it is not wanted any more."""
        read, is_stale = self._in_flight, self._is_stale
        self._in_flight, self._is_stale = None, False
        return None if is_stale else read

    def succeeded(self, event: RecordsRead) -> None:
        """A wanted read brought an answer."""
        self._failures = 0
        self._pause_until = None
        self.behind_millis = event.behind_millis
        if event.page is not None:
            self._hasty_wakes = 0

    def moved(self, event: RecordsRead) -> None:
        """A read without end was answered: read on behind it."""
        self.skip_to(event.position if event.page is None else max(event.position, event.page.numbers[-1]))
        self._is_at_tip = event.behind_millis == 0 or event.page is None
        self.has_ended = event.ended

    def skip_to(self, position: int) -> None:
        """What lies up to here is gone."""
        self.position = max(self.position, position)

    def failed(self, event: ReadFailed, now: Moment) -> None:
        """A wanted read failed: wait."""
        seconds_max = backoff.FREE_SECONDS_MAX if event.retryable else backoff.RARE_SECONDS_MAX
        self.wait(now, seconds_max=seconds_max)

    def wait(self, now: Moment, *, seconds_max: float = backoff.FREE_SECONDS_MAX) -> None:
        """Read again after a pause, which grows with each failure in a row."""
        self._failures += 1
        delay = backoff.delay_seconds(self._failures, seconds_max=seconds_max, random=now.random)
        self._pause_until = now.monotonic + delay

    def woken(self, now: Moment) -> None:
        """The watch answered."""
        if self._armed_at is None:
            return
        is_hasty = now.monotonic - self._armed_at < HASTY_SECONDS
        self._hasty_wakes = self._hasty_wakes + 1 if is_hasty else 0
        self._armed_at = None
        self._is_at_tip = False

    def calm_down(self, now: Moment) -> None:
        """A read brought nothing: pause if the watch keeps answering all the same."""
        if self._hasty_wakes >= HASTY_WAKES_MAX:
            self._pause_until = now.monotonic + HASTY_PAUSE_SECONDS

    def go_back(self, position: int) -> Disarm | None:
        """Forget what was read behind this position; answers how to end the watch, None when there is none."""
        self.position = position
        self.has_ended = self._is_at_tip = False
        self._is_stale = self.is_reading
        was_armed = self._armed_at is not None
        self._armed_at = None
        return Disarm() if was_armed else None
