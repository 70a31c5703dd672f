"""The demo: real records, real processes, a real crash.

start -> stream, handler, mapping -> put 1,707 events -> at 850, in a call: kill the mapping service, start it again ->
wait until the handler has all -> count
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from millrace_cli import lines, wiring
from millrace_cli.child import Child
from millrace_cli.demo import feed, journal, tally
from millrace_cli.demo.screen import Screen
from millrace_cli.failure import VerbFailed
from millrace_cli.stack import Stack

STREAM = "earthquakes"
HANDLER = "strongest-earthquake"
SHARD_COUNT = 4
BATCH_SIZE = 50
KILL_AT = 850

SLOW_CALL_SECONDS = 0.5
"""How long the call takes in which the kill falls: the handler's others are over in a millisecond."""

QUIET_SECONDS_MAX = 20.0
"""When the handler was given nothing for so long, what has not come is lost."""

_POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """The kill of the mapping service, and when the next one was started, on the monotonic clock."""

    count: int
    calls_in_handler: int
    at: float
    restarted_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that the demo found out."""

    tally: tally.Tally
    calls: int
    crash: Crash
    outage_seconds: float


class Demo:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, events: Sequence[bytes], screen: Screen) -> None:
        self._folder = folder
        self._events = events
        self._screen = screen
        self._journal = journal.Journal(folder / "journal.jsonl")
        self._restarted: Child | None = None
        self._crash: Crash | None = None

    async def run(self) -> Result:
        """Start, put, kill, wait, count. Raises VerbFailed. No process that it started is left behind."""
        async with Stack(self._folder, logs=self._folder) as running:
            self._screen.say("starting the stream service, the mapping service and a handler")
            handler = running.start_handler(self._handler_arguments())
            stream = await running.start_stream_service().ready()
            mapping = running.start_mapping_service(stream)
            await self._wire(stream, await mapping.ready(), await handler.ready())
            self._screen.say(f"putting {len(self._events):,} events, {feed.RECORDS_A_SECOND} a second")
            sending = feed.Feed(self._events, service=stream, stream=STREAM)
            fed = asyncio.ensure_future(sending.run())
            try:
                await self._watch(running, sending, fed, handler_lines=lines.Lines(handler.stdout))
            finally:
                fed.cancel()
                await asyncio.wait([fed])
        return self._result(sending)

    def _handler_arguments(self) -> list[str]:
        return [
            f"--log={self._folder / 'journal.jsonl'}",
            f"--slow-at={KILL_AT}",
            f"--slow-seconds={SLOW_CALL_SECONDS}",
        ]

    async def _wire(self, stream: str, mapping: str, handler_port: str) -> None:
        self._screen.say(
            f"stream {STREAM} with {SHARD_COUNT} shards; a mapping to the handler, batch size {BATCH_SIZE}"
        )
        await wiring.create_stream(stream, STREAM, shard_count=SHARD_COUNT)
        await wiring.register_handler(mapping, HANDLER, endpoint=f"127.0.0.1:{handler_port}")
        await wiring.create_mapping(mapping, stream=STREAM, handler=HANDLER, batch_size=BATCH_SIZE)

    async def _watch(
        self, running: Stack, sending: feed.Feed, fed: asyncio.Future[None], *, handler_lines: lines.Lines
    ) -> None:
        """Follow the handler until it has been given all, or nothing for too long."""
        moved_at, moved_count = time.monotonic(), 0
        while True:
            self._follow(sending, handler_lines)
            self._check(running, fed)
            if self._crash is None and self._journal.count >= KILL_AT and self._journal.calls_under_way:
                self._kill(running, sending)
            if self._journal.calls != moved_count or not fed.done():
                moved_at, moved_count = time.monotonic(), self._journal.calls
            is_done = fed.done() and self._journal.count >= len(self._events) and not self._journal.calls_under_way
            if is_done or time.monotonic() - moved_at > QUIET_SECONDS_MAX:
                return
            await asyncio.sleep(_POLL_SECONDS)

    def _follow(self, sending: feed.Feed, handler_lines: lines.Lines) -> None:
        self._journal.read()
        for text in handler_lines.read():
            if not text.startswith("ready "):
                self._screen.batch(text)
        self._screen.progress(put=len(sending.sent), delivered=self._journal.count)

    def _check(self, running: Stack, fed: asyncio.Future[None]) -> None:
        """Raise VerbFailed for what went wrong by itself."""
        for each in running.children:
            if each.has_ended:
                raise each.failure("ended by itself")
        if fed.done() and (error := fed.exception()):
            raise VerbFailed(f"a put failed: {error!r}") from error

    def _kill(self, running: Stack, sending: feed.Feed) -> None:
        """SIGKILL the mapping service, and start it again. The feed goes on meanwhile."""
        mapping = next(each for each in running.children if each.name == "mapping_service")
        running.kill(mapping)
        at = time.monotonic()
        self._journal.read()
        calls = self._journal.calls_under_way
        running.start_mapping_service(sending.service)
        self._crash = Crash(count=self._journal.count, calls_in_handler=calls, at=at, restarted_at=time.monotonic())
        self._screen.say(
            f"kill -9 {mapping.pid}: the mapping service is gone, {calls} of its calls in the handler, "
            f"{self._journal.count:,} events counted; starting it again"
        )

    def _result(self, sending: feed.Feed) -> Result:
        self._journal.read()
        if self._crash is None:
            raise VerbFailed(
                f"the handler counted {self._journal.count} events only; the kill was to come at {KILL_AT}"
            )
        outage = tally.Outage(begin=self._crash.at, end=self._first_call_after_restart())
        return Result(
            tally=tally.tally(sending.sent, self._journal.deliveries, outage),
            calls=self._journal.calls,
            crash=self._crash,
            outage_seconds=outage.end - outage.begin,
        )

    def _first_call_after_restart(self) -> float:
        assert self._crash is not None
        restarted_at = self._crash.restarted_at
        later = (each.at for each in self._journal.deliveries if each.at > restarted_at)
        return next(later, time.monotonic())
