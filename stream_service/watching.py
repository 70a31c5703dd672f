"""One WatchAppends call: entries that are armed, each answered once (rule D2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chassis.errors import DomainError, FieldViolation, InvalidArgument
from stream_service.core import reading
from stream_service.heads import Heads

NewRecords = Callable[[reading.Place, int], reading.Page | None]
"""All records after a place, if they have at most so many bytes and are at hand."""

HEARTBEAT_SECONDS = 5.0
ENTRIES_MAX = 100_000
"""Entries that one call may have armed."""

INLINE_BYTES_MAX = 65_536
"""Records that an event may bring along: what costs less to send than to be asked for."""


class Reason(StrEnum):
    """Why an entry was answered."""

    GROWN = "GROWN"
    CLOSED = "CLOSED"
    DELETED = "DELETED"
    TRIMMED = "TRIMMED"
    APPEARED = "APPEARED"


@dataclass(frozen=True, slots=True)
class Entry:
    """A wish to hear of a shard, once. Without a place in a shard: of a stream that is not there yet."""

    id: int
    place: reading.Place
    waits_for_stream: bool = False
    inline_bytes_max: int = 0
    """Most bytes of records that the answer may bring along."""


@dataclass(frozen=True, slots=True)
class Event:
    """The answer to an entry. The head is empty where there is no shard."""

    id: int
    reason: Reason
    head: str = ""
    page: reading.Page | None = None
    """All records after the entry's place, if they were wanted, few and at hand."""


class Watch:
    """The entries of one call. Events gather until they are taken."""

    def __init__(self, heads: Heads, *, new_records: NewRecords | None = None, entries_max: int = ENTRIES_MAX) -> None:
        """Without `new_records` no event brings records along."""
        self._heads = heads
        self._new_records = new_records
        self._entries_max = entries_max
        self._armed: dict[int, tuple[Entry, Callable[[], None]]] = {}
        self._events: list[Event] = []
        self._filled = asyncio.Event()

    async def arm(self, entries: Sequence[Entry]) -> None:
        """Arm entries; those of which something is to tell already are answered at once.

        Raises InvalidArgument where more than `entries_max` would be armed, or answered and not taken yet.
        """
        count = len(self._armed.keys() | {entry.id for entry in entries}) + len(self._events)
        if count > self._entries_max:
            raise InvalidArgument(FieldViolation("entries", f"{count} are open; at most {self._entries_max} may be"))
        for entry in entries:
            self.disarm((entry.id,))
            await self._arm(entry)

    def disarm(self, ids: Sequence[int]) -> None:
        """Give entries up; unknown ids are ignored."""
        for each in ids:
            armed = self._armed.pop(each, None)
            if armed is not None:
                armed[1]()

    def close(self) -> None:
        """Give everything up."""
        self.disarm(tuple(self._armed))

    async def batches(self, *, until: asyncio.Future[None]) -> AsyncIterator[list[Event]]:
        """Events of the moment together, an empty list as a heartbeat; ends when `until` is done."""
        loop = asyncio.get_running_loop()
        until.add_done_callback(lambda _: self._filled.set())
        while True:
            if not self._filled.is_set():
                # A timer of its own instead of wait_for, which would cost each event a task.
                heartbeat = loop.call_later(HEARTBEAT_SECONDS, self._filled.set)
                await self._filled.wait()
                heartbeat.cancel()
            self._filled.clear()
            events, self._events = self._events, []
            if events or not until.done():
                yield events
            if until.done():
                return

    async def _arm(self, entry: Entry) -> None:
        """Register first, then compare with what is committed."""
        if entry.waits_for_stream:
            await self._arm_for_stream(entry)
            return
        try:
            head = await self._heads.find(entry.place)
        except DomainError:
            self._answer(Event(entry.id, Reason.DELETED))
            return
        remove = self._heads.waiters.add(("shard", head.shard.key), lambda: self._woken(entry))
        self._armed[entry.id] = (entry, remove)
        self._compare(entry)

    async def _arm_for_stream(self, entry: Entry) -> None:
        name = entry.place.stream_name
        remove = self._heads.waiters.add(("stream", name), lambda: self._appeared(entry))
        self._armed[entry.id] = (entry, remove)
        try:
            await self._heads.find(entry.place)
        except DomainError:
            return
        self._appeared(entry)

    def _appeared(self, entry: Entry) -> None:
        if entry.id in self._armed:
            self.disarm((entry.id,))
            self._answer(Event(entry.id, Reason.APPEARED))

    def _woken(self, entry: Entry) -> None:
        """The shard changed in some way; what it was decides whether the entry is answered or armed again."""
        if entry.id not in self._armed:
            return
        head = self._heads.peek(entry.place)
        if head is not None:
            remove = self._heads.waiters.add(("shard", head.shard.key), lambda: self._woken(entry))
            self._armed[entry.id] = (entry, remove)
        self._compare(entry)

    def _compare(self, entry: Entry) -> None:
        head = self._heads.peek(entry.place)
        if head is None:
            reason, text = Reason.DELETED, ""
        else:
            text = head.shard.text(head.last)
            if entry.place.after and entry.place.after < head.horizon:
                reason = Reason.TRIMMED
            elif head.last > max(entry.place.after, head.horizon):
                reason = Reason.GROWN
            elif not head.shard.is_open:
                reason = Reason.CLOSED
            else:
                return
        self.disarm((entry.id,))
        page = None
        if reason is Reason.GROWN and entry.inline_bytes_max and self._new_records is not None:
            page = self._new_records(entry.place, entry.inline_bytes_max)
        self._answer(Event(entry.id, reason, text, page))

    def _answer(self, event: Event) -> None:
        self._events.append(event)
        self._filled.set()
