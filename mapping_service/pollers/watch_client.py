"""One WatchAppends call for all shards of this process (rule D2).

    arm --> sent with all others of the moment --> answered once
     |                                                |
     '-- the call breaks: armed again on the next one, or "lost" after the poll time while there is none

The service registers an entry before it compares it with the head, so arming again after a break misses nothing.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from millrace.stream.v1 import stream_service_pb2

from chassis.process import limits
from mapping_service.core.ports import Clock
from mapping_service.pollers.connection import Connection
from mapping_service.pollers.pace import POLL_SECONDS, Pace
from mapping_service.pollers.service_clock import ServiceClock

_log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 5.0
SILENCE_SECONDS_MAX = 2 * HEARTBEAT_SECONDS
"""Two missed heartbeats mean that the watch is down."""

RETRY_SECONDS = 0.5
"""Between a call that broke and the next attempt."""

ENTRIES_PER_MESSAGE_MAX = 1_000

INLINE_BYTES_MAX = 65_536
"""Few new records come along with the event, which saves asking for them."""

LOST = "lost"
TIME_IS_UP = "DEADLINE_EXCEEDED"
WHOLE_SHARE = 0.9
"""A call that lasted for most of its time and ended so is made anew at once; one that ended so early has failed."""

Position = stream_service_pb2.ShardPosition

_METHOD = "/millrace.stream.v1.StreamService/WatchAppends"
_REASON_PREFIX = "WATCH_REASON_"


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    position: Position
    answer: asyncio.Future[tuple[str, bytes]]
    armed_at: float


class WatchClient:
    """Arms and answers. `run` keeps the call up; until it is, and while it is down, entries wait for a poll."""

    def __init__(self, connection: Connection, clock: Clock, *, service_clock: ServiceClock, pace: Pace) -> None:
        self._connection = connection
        self._clock = clock
        self._service_clock = service_clock
        self._pace = pace
        self._entries: dict[int, _Entry] = {}
        self._last_id = 0
        self._to_arm: list[int] = []
        self._to_disarm: list[int] = []
        self._wanted = asyncio.Event()
        self._heard_at = 0.0
        self._down_since = clock.monotonic()

    async def watch(self, position: Position) -> tuple[str, bytes]:
        """Wait until there is something behind the position; answers why, in small letters. Cancelling disarms.

        Beside the reason comes an encoded GetRecordsResponse with what is new, or nothing when that is much.
        """
        self._last_id += 1
        entry_id = self._last_id
        answer: asyncio.Future[tuple[str, bytes]] = asyncio.get_running_loop().create_future()
        self._entries[entry_id] = _Entry(position, answer, self._clock.monotonic())
        self._to_arm.append(entry_id)
        self._wanted.set()
        try:
            return await answer
        finally:
            if self._entries.pop(entry_id, None) is not None:
                self._to_disarm.append(entry_id)
                self._wanted.set()

    async def run(self) -> None:
        """Keep the call up, for ever."""
        while True:
            try:
                await self.run_once()
            except Exception as error:
                _log.error("watch_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def run_once(self) -> None:
        """One call, from its beginning to its end."""
        if await self._connection.ready():
            begun = self._clock.monotonic()
            problem = await self._call_once()
            if problem == TIME_IS_UP and self._clock.monotonic() - begun >= limits.WATCH_SECONDS_MAX * WHOLE_SHARE:
                return
            self._down_since = self._clock.monotonic()
            _log.warning("watch_lost", problem=problem)
        self._pace.close()
        await self._poll_meanwhile(RETRY_SECONDS)

    async def _call_once(self) -> str:
        call = self._connection.channel.stream_stream(
            _METHOD,
            request_serializer=stream_service_pb2.WatchAppendsRequest.SerializeToString,
            response_deserializer=stream_service_pb2.WatchAppendsResponse.FromString,
        )(timeout=limits.WATCH_SECONDS_MAX)
        self._heard_at = self._clock.monotonic()
        self._to_arm, self._to_disarm = list(self._entries), []
        helpers = [asyncio.create_task(self._send(call)), asyncio.create_task(self._guard(call))]
        self._pace.open()
        try:
            return await self._receive(call)
        finally:
            for helper in helpers:
                helper.cancel()
            call.cancel()

    async def _receive(self, call: Any) -> str:
        """Take answers until the call ends; how it ended."""
        try:
            while (response := await call.read()) is not grpc.aio.EOF:
                self._take(response)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        except asyncio.CancelledError:
            # The guard cancels the call, a stop cancels this task.
            if not call.cancelled() or asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise
            return "SILENT"
        return str((await call.code()).name)

    async def _guard(self, call: Any) -> None:
        """End a call that has missed its heartbeats."""
        while True:
            left = self._heard_at + SILENCE_SECONDS_MAX - self._clock.monotonic()
            if left <= 0:
                call.cancel()
                return
            await asyncio.sleep(left)

    async def _send(self, call: Any) -> None:
        """Send what is to be armed and disarmed, as it comes; at first everything that waits."""
        try:
            while True:
                while self._to_arm or self._to_disarm:
                    await call.write(self._next_request())
                self._wanted.clear()
                await self._wanted.wait()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The call has ended, and whoever receives knows why.
            call.cancel()

    def _next_request(self) -> stream_service_pb2.WatchAppendsRequest:
        arm, self._to_arm = self._to_arm[:ENTRIES_PER_MESSAGE_MAX], self._to_arm[ENTRIES_PER_MESSAGE_MAX:]
        disarm, self._to_disarm = self._to_disarm[:ENTRIES_PER_MESSAGE_MAX], self._to_disarm[ENTRIES_PER_MESSAGE_MAX:]
        request = stream_service_pb2.WatchAppendsRequest(disarm_ids=disarm)
        for entry_id in arm:
            entry = self._entries.get(entry_id)
            if entry is not None:
                request.entries.add(id=entry_id, position=entry.position, inline_bytes_max=INLINE_BYTES_MAX)
        return request

    def _take(self, response: stream_service_pb2.WatchAppendsResponse) -> None:
        self._heard_at = self._clock.monotonic()
        self._service_clock.heard(response.service_time.ToMilliseconds())
        for event in response.events:
            name = stream_service_pb2.WatchReason.Name(event.reason)
            self._answer(event.id, name.removeprefix(_REASON_PREFIX).lower(), event.records_response)

    def _answer(self, entry_id: int, reason: str, brought: bytes = b"") -> None:
        entry = self._entries.pop(entry_id, None)
        if entry is not None and not entry.answer.done():
            entry.answer.set_result((reason, brought))

    async def _poll_meanwhile(self, seconds: float) -> None:
        """While there is no call, tell entries that have waited for the poll time, each in its turn."""
        end = self._clock.monotonic() + seconds
        while (now := self._clock.monotonic()) < end:
            due = self._due(now)
            if due is not None:
                self._answer(due, LOST)
            await asyncio.sleep(min(self._pace.reserve() if due is not None else end - now, end - now))

    def _due(self, now: float) -> int | None:
        """The entry that has waited longest, if that is long enough; the oldest are the first."""
        for entry_id, entry in self._entries.items():
            waited_seconds = now - max(entry.armed_at, self._down_since)
            return entry_id if waited_seconds >= POLL_SECONDS else None
        return None
