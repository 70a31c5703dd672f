"""Follows what other services on the same database commit (rule D2).

    a hint from one of them, or a second  ->  one look at all streams that somebody here asks for  ->  heads, waiters

A hint has no list and may get lost, so that each look compares everything.
"""

from __future__ import annotations

import asyncio

import structlog

from chassis.errors import DomainError
from stream_service.core.ports import Hints, Sights
from stream_service.heads import Heads
from stream_service.subscriptions import Subscriptions

_log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks without a hint."""

PAUSE_SECONDS = 0.005
"""After each look: hints that come meanwhile share the next one."""


class Follower:
    """Keeps the heads of a process as all processes together made them."""

    def __init__(self, sights: Sights, heads: Heads, subscriptions: Subscriptions, hints: Hints) -> None:
        self._sights = sights
        self._heads = heads
        self._subscriptions = subscriptions
        self._hints = hints

    async def run(self) -> None:
        """Follow until cancelled. While the database cannot be read, what is known stays as it is."""
        is_reached = True
        try:
            while True:
                await self._hints.wait(LOOK_SECONDS)
                try:
                    await self.run_once()
                    is_reached = True
                except DomainError as error:
                    if is_reached:
                        _log.warning("look_failed", reason=error.reason)
                    is_reached = False
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await self._hints.close()

    async def run_once(self) -> None:
        """One look."""
        followed = self._heads.followed()
        consumers = self._subscriptions.consumer_ids()
        seen = await self._sights.look(followed.names, consumers)
        await self._heads.compare(followed, seen.streams)
        self._subscriptions.keep(consumers, seen.consumer_ids)
