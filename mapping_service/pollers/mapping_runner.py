"""Looks after one mapping: compares what is wanted with what is there, and makes it so (rules K1 to K3).

`run_once` looks at everything anew: the mapping as stored, the stream's shards, the lease rows. Whatever happens, a
shard that ended, a stream that appeared, a change by a user, is only a reason to look again. So nothing depends on the
order in which things happen, nor on a notice that was lost.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from chassis.errors import DataLoss, DomainError
from mapping_service.core import lineage
from mapping_service.core import mapping as mappings
from mapping_service.core.audit import Action, AuditEntry
from mapping_service.core.delivery_state import StateNotReadable
from mapping_service.core.errors import (
    EtagMismatch,
    MappingInUse,
    MappingNotFound,
    StartAlreadyResolved,
    StreamNotFound,
    StreamServiceUnavailable,
)
from mapping_service.core.lease import Lease, Watch
from mapping_service.core.lineage import Lineage
from mapping_service.core.mapping import EventSourceMapping, MappingState, StartingPosition
from mapping_service.core.ports import ShardAddress
from mapping_service.core.shard_events import StopReason
from mapping_service.core.shard_listing import ShardListing, StreamMark
from mapping_service.pollers import figures
from mapping_service.pollers.shard_poller import ShardPoller
from mapping_service.pollers.timers import Timer
from mapping_service.pollers.world import World
from mapping_service.stores import Stores

_log = structlog.get_logger(__name__)

RETRY_SECONDS_MIN = 0.5
RETRY_SECONDS_MAX = 10.0
"""Between looks while something is away; doubled each time, with jitter."""

RESTORE = "restore a copy of the mapping service's database, or delete the mapping and create it again"
"""What can be done about damage."""

_CHANGED_MEANWHILE = (EtagMismatch, MappingInUse, StartAlreadyResolved)


@dataclass(frozen=True, slots=True)
class Crew:
    """What the runners of a process share beside the world."""

    watch: Watch
    """What is known of other workers."""
    listings: asyncio.Semaphore
    """How many may list shards at a time."""
    forget: Callable[[str], None]
    """Called when a mapping is gone."""


class MappingRunner:
    """The pollers of one mapping. Made and used on the event loop."""

    def __init__(self, mapping: EventSourceMapping, world: World, crew: Crew) -> None:
        self.mapping = mapping
        self.mark: StreamMark | None = None
        """Of the stream as it was seen last; None when it was not there."""
        self.is_settling_shards = False
        """Whether shards wait for their parents, or rows for their removal."""
        self._world = world
        self._crew = crew
        self._kept = figures.Keeper()
        self._pollers: dict[str, ShardPoller] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_dirty = False
        self._is_over = False
        self._failures = 0
        self._running: asyncio.Task[None] | None = None
        self._appearing: asyncio.Task[None] | None = None
        self._retry: Timer | None = None
        world.results.know(mapping.mapping_id, mapping.last_processing_result)

    @property
    def pollers(self) -> Sequence[ShardPoller]:
        """Those that run now."""
        return tuple(self._pollers.values())

    def figures(self) -> figures.MappingFigures:
        """The mapping in numbers."""
        return self._kept.figures(self.mapping, self.pollers)

    def kick(self) -> None:
        """Look at everything again, soon; once for many kicks."""
        self._is_dirty = True
        if not self._is_over and (self._running is None or self._running.done()):
            self._running = asyncio.create_task(self.run(), name=f"mapping {self.mapping.mapping_id}")

    def on_stopped(self, poller: ShardPoller, reason: StopReason | None) -> None:
        """A poller stopped: there may be another to start, or it must be started again."""
        if self._pollers.get(poller.shard_id) is poller:
            del self._pollers[poller.shard_id]
        self._kept.keep(poller)
        self._world.results.forget_shard(self.mapping.mapping_id, poller.shard_id)
        if not self._pollers:
            self._idle.set()
        if reason is None:
            self._kick_later()
        elif reason is not StopReason.REQUESTED:
            self.kick()

    def on_trouble(self, poller: ShardPoller) -> None:
        """A poller does not find its stream or shard."""
        self.kick()

    def on_invoked(self, seconds: float) -> None:
        """A call of the handler ended."""
        self._kept.invokes.observe(seconds)

    async def stop(self) -> None:
        """Have all pollers finish what is in flight; returns when they did."""
        self._end()
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
        await self._stop_pollers()

    def cut_off(self) -> None:
        """Stop all pollers now, whatever is in flight."""
        self._end()
        for poller in self.pollers:
            poller.cut_off()

    async def run(self) -> None:
        """Look until there was no kick meanwhile."""
        while self._is_dirty and not self._is_over:
            self._is_dirty = False
            try:
                await self.run_once()
                self._failures = 0
            except _CHANGED_MEANWHILE:
                self._is_dirty = True
            except Exception as error:
                reason = error.reason if isinstance(error, DomainError) else type(error).__name__
                if isinstance(error, DataLoss):
                    problem = f"what is stored of this mapping is damaged: {RESTORE}"
                    self._world.results.set_problem(self.mapping.mapping_id, problem)
                _log.warning("mapping_not_followed", mapping_id=self.mapping.mapping_id, reason=reason)
                self._kick_later()

    async def run_once(self) -> None:
        """Look at everything once."""
        mapping_id = self.mapping.mapping_id
        try:
            mapping = await self._world.storage.read(lambda stores: stores.mappings.get(mapping_id))
        except MappingNotFound:
            await self._stop_pollers()
            self._gone()
            return
        self.mapping = mapping
        if mapping.wants_pollers:
            for poller in self.pollers:
                poller.change(mapping.policy)
            await self._follow_stream(mapping)
            await self._settle(mapping)
        else:
            self._forget_stream()
            await self._stop_pollers()
            await (self._remove() if mapping.state == MappingState.DELETING else self._settle(mapping))

    # States

    async def _settle(self, mapping: EventSourceMapping) -> None:
        settled = mappings.settle(mapping, now_millis=self._world.clock.unix_millis())
        if settled is not mapping:
            self.mapping = await self._world.storage.write(lambda stores: stores.mappings.update(settled, seen=mapping))
            _log.info("mapping_settled", mapping_id=mapping.mapping_id, state=str(settled.state))

    async def _remove(self) -> None:
        mapping_id = self.mapping.mapping_id
        await self._world.storage.write(lambda stores: stores.mappings.remove(mapping_id), frees_space=True)
        _log.info("mapping_removed", mapping_id=mapping_id)
        self._gone()

    def _gone(self) -> None:
        self._end()
        self._world.results.forget(self.mapping.mapping_id)
        self._crew.forget(self.mapping.mapping_id)

    # The stream

    async def _follow_stream(self, mapping: EventSourceMapping) -> None:
        results = self._world.results
        try:
            async with self._crew.listings:
                listing = await self._world.source.list_shards(mapping.stream_name)
        except StreamNotFound:
            results.set_problem(mapping.mapping_id, f"stream {mapping.stream_name} not found")
            await self._wait_for_stream(mapping)
        except StreamServiceUnavailable:
            results.set_problem(mapping.mapping_id, "the stream service is unavailable")
            self._kick_later()
        else:
            results.set_problem(mapping.mapping_id, None)
            self._stop_appearing()
            await self._follow_shards(mapping, listing)

    async def _wait_for_stream(self, mapping: EventSourceMapping) -> None:
        self.mark = None
        if self._appearing is None or self._appearing.done():
            self._appearing = asyncio.create_task(self._appear(mapping.stream_name), name="stream appears")
        await self._stop_pollers()

    async def _appear(self, stream_name: str) -> None:
        await self._world.source.watch(ShardAddress(stream_name=stream_name, stream_id="", shard_id=""), after=0)
        self.kick()

    def _stop_appearing(self) -> None:
        if self._appearing is not None:
            self._appearing.cancel()
            self._appearing = None

    def _forget_stream(self) -> None:
        self._stop_appearing()
        self._world.results.set_problem(self.mapping.mapping_id, None)
        self.mark = None
        self.is_settling_shards = False

    async def _follow_shards(self, mapping: EventSourceMapping, listing: ShardListing) -> None:
        if mapping.stream_id != listing.stream_id:
            await self._begin(mapping, listing)
        rows = await self._rows()
        decided = lineage.decide(listing, rows)
        if decided.insert or decided.retire:
            await self._change_rows(listing.stream_id, decided)
            rows = await self._rows()
            decided = lineage.decide(listing, rows)
        self.mark = listing.mark
        self.is_settling_shards = bool(decided.waiting) or any(row.ended for row in rows)
        await self._start_pollers([row for row in rows if row.shard_id in decided.ready])

    async def _begin(self, mapping: EventSourceMapping, listing: ShardListing) -> None:
        """Resolve the start in an incarnation that was not there before: at its beginning (rule K2)."""
        if mapping.stream_id is not None:
            _log.warning(
                "stream_created_again",
                mapping_id=mapping.mapping_id,
                stream_name=mapping.stream_name,
                old_stream_id=mapping.stream_id,
                stream_id=listing.stream_id,
            )
        await self._stop_pollers()
        start = lineage.resolve(lineage.plan_start(listing, StartingPosition.TRIM_HORIZON), {})
        entry = self._created_again(mapping, listing) if mapping.stream_id is not None else None

        def change(stores: Stores) -> None:
            stores.leases.resolve_start(mapping.mapping_id, start, seen_stream_id=mapping.stream_id)
            if entry is not None:
                stores.audit.add(entry)

        await self._world.storage.write(change)

    def _created_again(self, mapping: EventSourceMapping, listing: ShardListing) -> AuditEntry:
        reason = (
            f"stream {mapping.stream_name} was {mapping.stream_id} and is {listing.stream_id}: it is read from its "
            "beginning, and what was left of the old one is gone"
        )
        return AuditEntry(
            mapping_id=mapping.mapping_id,
            action=Action.STREAM_CREATED_AGAIN,
            actor="mapping_service",
            reason=reason,
            create_millis=self._world.clock.unix_millis(),
        )

    async def _rows(self) -> Sequence[Lease]:
        mapping_id = self.mapping.mapping_id
        rows = await self._world.storage.read(lambda stores: stores.leases.leases(mapping_id))
        # A damaged row does not say that its shard is done: its children wait, and it is not removed.
        return [row if row.is_sound else replace(row, ended=False) for row in rows]

    async def _change_rows(self, stream_id: str, decided: Lineage) -> None:
        mapping_id = self.mapping.mapping_id
        for shard_id in decided.retire:
            poller = self._pollers.get(shard_id)
            if poller is not None:
                poller.request_stop()

        def change(stores: Stores) -> None:
            stores.leases.insert(mapping_id, stream_id, decided.insert)
            stores.leases.retire(mapping_id, stream_id, decided.retire)

        await self._world.storage.write(change)

    # The pollers

    async def _start_pollers(self, ready: Sequence[Lease]) -> None:
        worker_id = self._world.worker_id
        idle = [row for row in ready if row.shard_id not in self._pollers and self._is_sound(row)]
        takes = self._crew.watch.takes(idle, monotonic=self._world.clock.monotonic())

        def take(stores: Stores) -> list[Lease]:
            taken = [stores.leases.take(each, worker_id=worker_id) for each in takes]
            return [row for row in taken if row is not None]

        taken = await self._world.storage.write(take) if takes else []
        for row in [*taken, *(row for row in idle if row.owner == worker_id)]:
            self._start_poller(row)

    def _is_sound(self, row: Lease) -> bool:
        """Whether a shard's row can be trusted; says so when it cannot. A wrong checkpoint would pass records by."""
        if not row.is_sound:
            problem = f"the stored position of {row.shard_id} is damaged: {RESTORE}"
            self._world.results.report(row.mapping_id, row.shard_id, result=None, problem=problem)
            _log.error("lease_damaged", mapping_id=row.mapping_id, shard_id=row.shard_id)
        return row.is_sound

    def _start_poller(self, row: Lease) -> None:
        if self._is_over:
            return
        try:
            poller = ShardPoller(row, self, self._world)
        except StateNotReadable:
            problem = f"the delivery state of {row.shard_id} cannot be read by this version"
            self._world.results.report(row.mapping_id, row.shard_id, result=None, problem=problem)
            _log.error("delivery_state_not_readable", mapping_id=row.mapping_id, shard_id=row.shard_id)
            return
        self._pollers[row.shard_id] = poller
        self._idle.clear()
        poller.start()

    async def _stop_pollers(self) -> None:
        for poller in self.pollers:
            poller.request_stop()
        await self._idle.wait()

    # Looking again

    def _kick_later(self) -> None:
        self._failures += 1
        ceiling = min(RETRY_SECONDS_MIN * 2.0 ** min(self._failures, 10), RETRY_SECONDS_MAX)
        delay = ceiling * (0.5 + self._world.chance() / 2)
        if self._retry is not None:
            self._retry.cancel()
        if not self._is_over:
            self._retry = self._world.call_later(delay, self.kick)

    def _end(self) -> None:
        self._is_over = True
        self._stop_appearing()
        if self._retry is not None:
            self._retry.cancel()
