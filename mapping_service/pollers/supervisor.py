"""Keeps the mappings of this process running: leases, heartbeat, and what must be looked at now and then (K1 to K3).

What it does without being asked costs a process a few statements and calls, however many shards are idle: a heartbeat
each third of the lease time, a list of all streams each minute, a trim of old dead letters each hour.
"""

import asyncio
import functools
from collections.abc import Mapping, Sequence

import structlog

from chassis.errors import DomainError
from mapping_service.core import lease as leases
from mapping_service.core.errors import StreamServiceUnavailable
from mapping_service.core.handler import Handler
from mapping_service.core.mapping import EventSourceMapping
from mapping_service.core.ports import AUDIT_MILLIS, DEAD_LETTER_MILLIS, LIST_LIMIT_MAX
from mapping_service.core.shard_listing import StreamMark
from mapping_service.pollers.figures import MappingFigures
from mapping_service.pollers.mapping_runner import Crew, MappingRunner
from mapping_service.pollers.world import World
from mapping_service.stores import Stores

_log = structlog.get_logger(__name__)

SWEEP_SECONDS = 60.0
"""Between two looks at all streams and mappings."""

TRIM_SECONDS = 3600.0
TRIM_LIMIT = 500
"""Dead letters of one pass; the passes of a trim go on until one finds less."""

LISTINGS_MAX = 32
"""Mappings that list their shards at a time, at a start with thousands."""


class Supervisor:
    """All mappings of this process. Made and used on the event loop."""

    def __init__(self, world: World, *, lease_seconds: float = leases.LEASE_SECONDS_DEFAULT) -> None:
        self._world = world
        self._heartbeat_seconds = lease_seconds / leases.HEARTBEATS_PER_LEASE
        self._watch = leases.Watch(worker_id=world.worker_id, lease_seconds=lease_seconds)
        self._crew = Crew(self._watch, asyncio.Semaphore(LISTINGS_MAX), self._forget)
        self._runners: dict[str, MappingRunner] = {}
        self._is_over = False
        self._sweep_at = world.clock.monotonic() + SWEEP_SECONDS
        self._trim_at = world.clock.monotonic()

    def runner(self, mapping_id: str) -> MappingRunner | None:
        """Who looks after a mapping."""
        return self._runners.get(mapping_id)

    def figures(self) -> list[MappingFigures]:
        """All mappings that are there, in numbers; one that is gone is not among them."""
        return [runner.figures() for runner in self._runners.values()]

    async def begin(self) -> None:
        """Take what is ours, and start it. The database's lock proves that no other worker lives (rule K1)."""
        worker_id = self._world.worker_id

        def take_over(stores: Stores) -> int:
            stores.leases.heartbeat(worker_id)
            return stores.leases.take_all(worker_id)

        # Also on a full disk: whoever is to make room by deletes needs a service that starts.
        taken = await self._world.storage.write(take_over, frees_space=True)
        await self._see_workers()
        self._world.directory.load(await self._world.storage.read(_all_handlers))
        mappings = await self._all_mappings()
        _log.info("leases_taken", leases=taken, mappings=len(mappings))
        for mapping in mappings:
            self._look_after(mapping).kick()

    def notice(self, mapping: EventSourceMapping) -> None:
        """A mapping was created or changed. While we stop, the next process finds it."""
        if not self._is_over:
            self._look_after(mapping).kick()

    async def run(self) -> None:
        """Do what is due, for ever; an error costs a turn."""
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            try:
                await self.run_once()
            except DomainError as error:
                _log.warning("supervision_failed", reason=error.reason)

    async def run_once(self) -> None:
        """One turn: a heartbeat, and whatever else is due."""
        worker_id = self._world.worker_id
        await self._world.storage.write(lambda stores: stores.leases.heartbeat(worker_id))
        if len(await self._see_workers()) > 1:
            await self._take_from_others()
        now = self._world.clock.monotonic()
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            await self.sweep()
        if now >= self._trim_at:
            self._trim_at = now + TRIM_SECONDS
            await self.trim()

    async def sweep(self) -> int:
        """Compare all mappings and streams with what was seen of them; answers how many need a look."""
        mappings = await self._all_mappings()
        try:
            marks: Mapping[str, StreamMark] | None = await self._world.source.marks()
        except StreamServiceUnavailable:
            marks = None
        looks = 0
        for mapping in mappings:
            runner = self._look_after(mapping)
            if _needs_look(runner, mapping, marks):
                looks += 1
                runner.kick()
        return looks

    async def trim(self) -> int:
        """Delete dead letters and audit entries that are too old, pass by pass (rule D5); answers how many."""
        service_millis = self._world.service_millis()
        if service_millis is None:
            return 0

        def trim(stores: Stores) -> int:
            letters = stores.dead_letters.trim(before_millis=service_millis - DEAD_LETTER_MILLIS, limit=TRIM_LIMIT)
            return letters + stores.audit.trim(before_millis=service_millis - AUDIT_MILLIS, limit=TRIM_LIMIT)

        trimmed = 0
        while (found := await self._world.storage.write(trim, frees_space=True)) > 0:
            trimmed += found
        return trimmed

    async def stop(self, *, timeout_seconds: float) -> None:
        """Have all pollers finish what is in flight, for at most so long; then give the leases up."""
        self._is_over = True
        stopping = [asyncio.create_task(runner.stop()) for runner in self._runners.values()]
        if stopping:
            _, late = await asyncio.wait(stopping, timeout=timeout_seconds)
            if late:
                _log.warning("calls_cut_off", mappings=len(late))
            for runner in self._runners.values():
                runner.cut_off()
            for task in late:
                task.cancel()
        await self._world.results.stop()
        worker_id = self._world.worker_id
        # Also on a full disk: a stop must not fail for want of room.
        await self._world.storage.write(lambda stores: stores.leases.remove_worker(worker_id), frees_space=True)

    def _look_after(self, mapping: EventSourceMapping) -> MappingRunner:
        runner = self._runners.get(mapping.mapping_id)
        if runner is None:
            runner = self._runners[mapping.mapping_id] = MappingRunner(mapping, self._world, self._crew)
        return runner

    def _forget(self, mapping_id: str) -> None:
        self._runners.pop(mapping_id, None)

    async def _see_workers(self) -> Mapping[str, int]:
        counters = await self._world.storage.read(lambda stores: stores.leases.counters())
        self._watch.see(counters, monotonic=self._world.clock.monotonic())
        return counters

    async def _take_from_others(self) -> None:
        """Have a look at mappings with shards whose owner stood still for too long."""
        rows = await self._world.storage.read(lambda stores: stores.leases.all_leases())
        takes = self._watch.takes(rows, monotonic=self._world.clock.monotonic())
        for mapping_id in {take.mapping_id for take in takes}:
            runner = self._runners.get(mapping_id)
            if runner is not None:
                runner.kick()

    async def _all_mappings(self) -> Sequence[EventSourceMapping]:
        found: list[EventSourceMapping] = []
        while True:
            after = (found[-1].create_millis, found[-1].mapping_id) if found else None
            page = await self._world.storage.read(functools.partial(_mapping_page, after=after))
            found += page
            if len(page) < LIST_LIMIT_MAX:
                return found


def _mapping_page(stores: Stores, *, after: tuple[int, str] | None) -> Sequence[EventSourceMapping]:
    return stores.mappings.list(after=after, limit=LIST_LIMIT_MAX)


def _all_handlers(stores: Stores) -> Sequence[Handler]:
    found: list[Handler] = []
    while True:
        page = stores.handlers.list(after=found[-1].handler_name if found else None, limit=LIST_LIMIT_MAX)
        found += page
        if len(page) < LIST_LIMIT_MAX:
            return found


def _needs_look(runner: MappingRunner, mapping: EventSourceMapping, marks: Mapping[str, StreamMark] | None) -> bool:
    seen = runner.mapping
    if (mapping.version, mapping.state) != (seen.version, seen.state) or runner.is_settling_shards:
        return True
    return mapping.wants_pollers and marks is not None and marks.get(mapping.stream_name) != runner.mark
