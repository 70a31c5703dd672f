"""Trims expired records and purges deleted streams, in bounded passes (rules C2, L8)."""

from __future__ import annotations

import asyncio

import structlog

from chassis.errors import DomainError
from stream_service.core import works
from stream_service.core.ports import Clock, Records

_log = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.05
"""Between two passes of which the first did not finish, at least: puts come in between."""

PAUSE_FACTOR = 6
"""A pass is followed by a pause so many times as long as it took, so that puts keep most of the writer's time."""


class Retention:
    """The trimmer."""

    def __init__(
        self, records: Records, clock: Clock, *, interval_seconds: float, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._records = records
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._pause_seconds = pause_seconds
        self._looked_at = clock.monotonic()

    async def run(self) -> None:
        """Trim until cancelled; an error is for the next pass."""
        while True:
            is_complete, begin = True, self._clock.monotonic()
            try:
                is_complete = (await self.run_once()).is_complete
            except DomainError as error:
                _log.warning("trim_failed", reason=error.reason)
            took = self._clock.monotonic() - begin
            await asyncio.sleep(
                self._interval_seconds if is_complete else max(self._pause_seconds, PAUSE_FACTOR * took)
            )

    async def run_once(self) -> works.Trimmed:
        """One pass; what it did. Horizons follow by at most twice the time since the pass before."""
        now = self._clock.monotonic()
        trimmed = await self._records.write(works.Trim(now - self._looked_at))
        self._looked_at = now
        assert isinstance(trimmed, works.Trimmed)
        if trimmed.segments:
            _log.info("trimmed", segments=trimmed.segments, shards=len(trimmed.horizons))
        return trimmed
