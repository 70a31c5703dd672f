"""A world for pollers in a test: everything in memory, time stands still until it is told to pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from mapping_service.core.answer import Answer, Answered
from mapping_service.core.handler import Handler
from mapping_service.core.mapping import EventSourceMapping
from mapping_service.core.ports import Call
from mapping_service.pollers.handler_directory import HandlerDirectory
from mapping_service.pollers.results import Results
from mapping_service.pollers.supervisor import Supervisor
from mapping_service.pollers.world import World
from mapping_service.service import MappingService
from mapping_service.storage.memory import MemoryStorage
from tests.support import mapping_stores
from tests.support.clock import FakeClock
from tests.support.fake_streams import START_MILLIS, FakeStreams
from tests.support.records import numbers_in, numbers_of

QUIET_TURNS = 60

Handle = Callable[[Call], Awaitable[Answer]]


@dataclass(slots=True)
class _FakeTimer:
    at: float
    action: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class FakeTimers:
    """Timers on a fake clock."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._timers: list[_FakeTimer] = []

    def call_later(self, seconds: float, action: Callable[[], None]) -> _FakeTimer:
        """As CallLater."""
        timer = _FakeTimer(self._clock.monotonic() + seconds, action)
        self._timers.append(timer)
        return timer

    def fire(self) -> None:
        """Do what is due."""
        due = [timer for timer in self._timers if timer.at <= self._clock.monotonic()]
        self._timers = [timer for timer in self._timers if timer not in due and not timer.is_cancelled]
        for timer in sorted(due, key=lambda timer: timer.at):
            if not timer.is_cancelled:
                timer.action()


@dataclass(slots=True)
class FakeHandlers:
    """A handler that notes its calls, and answers as `handle` does: at first at once, and well."""

    calls: list[Call] = field(default_factory=list)
    handle: Handle | None = None
    cancelled: int = 0

    async def invoke(self, handler: Handler, call: Call) -> Answer:
        """See HandlerClient."""
        self.calls.append(call)
        if self.handle is None:
            return Answered()
        try:
            return await self.handle(call)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    @property
    def batches(self) -> list[list[int]]:
        """Numbers of the records of each call."""
        return [numbers_of(call.batch) for call in self.calls]

    @property
    def payloads(self) -> list[list[int]]:
        """The same, from the bytes that were sent."""
        return [numbers_in(call.batch.payload()) for call in self.calls]


class PollerWorld:
    """A mapping service without a network and a disk."""

    def __init__(self, storage: MemoryStorage | None = None, *, worker_id: str = "worker") -> None:
        self.clock = FakeClock()
        self.streams = FakeStreams()
        self.handlers = FakeHandlers()
        self.timers = FakeTimers(self.clock)
        self.storage = storage or MemoryStorage()
        self.world = World(
            worker_id=worker_id,
            storage=self.storage,
            source=self.streams,
            handlers=self.handlers,
            directory=HandlerDirectory(),
            clock=self.clock,
            service_millis=lambda: START_MILLIS + round(self.clock.monotonic() * 1000),
            results=Results(self.storage, call_later=self.timers.call_later),
            call_later=self.timers.call_later,
            chance=lambda: 0.5,
        )
        self.supervisor = Supervisor(self.world)
        self.mappings = MappingService(self.storage, self.streams, runners=self.supervisor, clock=self.clock)

    async def begin(self) -> None:
        """Start, with the handler bill registered."""
        if "bill" not in self.storage.tables.handlers:
            await self.storage.write(lambda stores: stores.handlers.register(mapping_stores.a_handler()))
        await self.supervisor.begin()
        await self.quiet()

    async def map(self, **fields: object) -> EventSourceMapping:
        """Create a mapping and let it settle; as it is then."""
        draft = mapping_stores.a_mapping(**fields)  # type: ignore[arg-type]
        created = await self.mappings.create(draft, request=None, validate_only=False)
        await self.quiet()
        return await self.mappings.get(created.mapping_id)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        for _ in range(round(seconds * 2)):
            self.clock.advance(0.5)
            self.timers.fire()
            await self.quiet()

    async def quiet(self) -> None:
        """Let everything run that can."""
        for _ in range(QUIET_TURNS):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """End in order."""
        await self.supervisor.stop(timeout_seconds=5)

    def crash(self) -> PollerWorld:
        """What a new process finds: the storage, the stream service and the handler as they are."""
        for mapping_id in list(self.storage.tables.mappings):
            runner = self.supervisor.runner(mapping_id)
            if runner is not None:
                runner.cut_off()
        return self._another(MemoryStorage(self.storage.tables.copy()), f"{self.world.worker_id}-next")

    def beside(self, worker_id: str) -> PollerWorld:
        """Another process on the same database; it has not begun."""
        other = self._another(self.storage, worker_id)
        other.world.directory.load(self.storage.tables.handlers.values())
        return other

    def _another(self, storage: MemoryStorage, worker_id: str) -> PollerWorld:
        other = PollerWorld(storage, worker_id=worker_id)
        other.streams = self.streams
        other.world = replace(other.world, source=self.streams)
        other.supervisor = Supervisor(other.world)
        other.mappings = MappingService(storage, self.streams, runners=other.supervisor, clock=other.clock)
        return other

    def result(self, mapping_id: str = "m-1") -> str:
        """The mapping's last processing result, as stored."""
        return self.storage.tables.mappings[mapping_id].last_processing_result

    def checkpoints(self, mapping_id: str = "m-1") -> dict[str, int]:
        """The checkpoint of each shard."""
        leases = self.storage.tables.leases.values()
        return {lease.shard_id: lease.checkpoint for lease in leases if lease.mapping_id == mapping_id}
