"""What can be asked of the mapping service: its use cases, in the words of its core."""

import asyncio
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from chassis.errors import Violations
from mapping_service.core import handler as handlers
from mapping_service.core import lineage, names
from mapping_service.core import mapping as mappings
from mapping_service.core import policy as policies
from mapping_service.core.errors import (
    HandlerNotFound,
    MappedHandlerNotFound,
    MappingAlreadyExists,
    StreamNotFound,
    StreamServiceUnavailable,
)
from mapping_service.core.handler import Handler
from mapping_service.core.mapping import EventSourceMapping, StartingPosition
from mapping_service.core.policy import Policy
from mapping_service.core.ports import Clock, RequestId, ResolvedStart, ShardAddress, StreamSource
from mapping_service.stores import Storage, Stores


class Runners(Protocol):
    """Who keeps mappings running."""

    def notice(self, mapping: EventSourceMapping) -> None:
        """A mapping was created or changed: begin to follow it."""


class Directory(Protocol):
    """The copy of the handlers that pollers use."""

    def put(self, handler: Handler) -> None:
        """A handler was registered or changed."""

    def remove(self, handler_name: str) -> None:
        """A handler was deregistered."""

    def has_endpoint(self, endpoint: str) -> bool:
        """Whether any handler listens there."""


class ProbeResult(Protocol):
    """What a test call came to."""

    @property
    def response(self) -> bytes | None:
        """The encoded answer; None when the call failed."""

    @property
    def status_code(self) -> str:
        """Name of the gRPC status code."""

    @property
    def status_message(self) -> str:
        """Why it failed; empty otherwise."""

    @property
    def seconds(self) -> float:
        """How long it took."""


class Prober(Protocol):
    """Calls a handler without any mapping."""

    async def probe(self, handler: Handler, request: bytes) -> ProbeResult:
        """Send an encoded request once. Raises nothing."""

    async def forget(self, endpoint: str) -> None:
        """No handler has this endpoint any more: close its connection after the calls under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingChange:
    """What a user asks to change of a mapping; what is not named stays."""

    mapping_id: str
    etag: str | None = None
    handler_name: str | None = None
    enabled: bool | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)
    """Fields of Policy with their new values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingQuery:
    """Which mappings to list."""

    after: tuple[int, str] | None
    limit: int
    event_source: str | None = None
    handler_name: str | None = None


class MappingService:
    """The use cases of mappings."""

    def __init__(self, storage: Storage, source: StreamSource, *, runners: Runners, clock: Clock) -> None:
        self._storage = storage
        self._source = source
        self._runners = runners
        self._clock = clock

    async def create(
        self, draft: EventSourceMapping, *, request: RequestId | None, validate_only: bool
    ) -> EventSourceMapping:
        """Create a mapping and have it run.

        Raises InvalidArgument, MappedHandlerNotFound, MappingAlreadyExists, RequestIdReused, and
        StreamServiceUnavailable where a start can only be resolved with the stream service.
        """
        mapping = mappings.create(draft, now_millis=self._clock.unix_millis())
        if validate_only:
            await self._storage.read(functools.partial(_check_new, mapping=mapping))
            return mapping
        await self._storage.read(functools.partial(_check_handler, handler_name=mapping.handler_name))
        start = await self._resolve_start(mapping)
        stored = await self._storage.write(lambda stores: stores.mappings.create(mapping, start=start, request=request))
        if stored.mapping_id == mapping.mapping_id:
            self._runners.notice(stored)
        return stored

    async def get(self, mapping_id: str) -> EventSourceMapping:
        """One mapping. Raises MappingNotFound."""
        return await self._storage.read(lambda stores: stores.mappings.get(mapping_id))

    async def list(self, query: MappingQuery) -> Sequence[EventSourceMapping]:
        """Mappings in the order of their creation."""
        return await self._storage.read(
            lambda stores: stores.mappings.list(
                after=query.after,
                limit=query.limit,
                event_source=query.event_source,
                handler_name=query.handler_name,
            )
        )

    async def update(self, change: MappingChange, *, validate_only: bool) -> EventSourceMapping:
        """Change a mapping. Raises InvalidArgument, MappingNotFound, MappingInUse, EtagMismatch,
        MappedHandlerNotFound, MappingAlreadyExists."""
        _check_change(change)
        seen = await self.get(change.mapping_id)
        asked = mappings.Update(
            handler_name=change.handler_name,
            enabled=change.enabled,
            policy=replace(seen.policy, **change.knobs) if change.knobs else None,
            etag=change.etag,
        )
        changed = mappings.update(seen, asked, now_millis=self._clock.unix_millis())
        if validate_only:
            await self._storage.read(functools.partial(_check_new, mapping=changed))
            return changed
        stored = await self._storage.write(lambda stores: stores.mappings.update(changed, seen=seen))
        self._runners.notice(stored)
        return stored

    async def delete(self, mapping_id: str, *, etag: str | None) -> EventSourceMapping:
        """Begin to delete a mapping. Raises MappingNotFound, MappingInUse, EtagMismatch."""
        seen = await self.get(mapping_id)
        deleted = mappings.delete(seen, etag=etag, now_millis=self._clock.unix_millis())
        stored = await self._storage.write(lambda stores: stores.mappings.update(deleted, seen=seen), frees_space=True)
        self._runners.notice(stored)
        return stored

    async def _resolve_start(self, mapping: EventSourceMapping) -> ResolvedStart | None:
        """The start as numbers, now (rule K2). None when the stream is not there: it is resolved when it appears."""
        position, millis = mapping.starting_position, mapping.starting_position_millis
        try:
            listing = await self._source.list_shards(mapping.stream_name)
            plan = lineage.plan_start(listing, position, millis=millis)
            if position == StartingPosition.TRIM_HORIZON:
                return lineage.resolve(plan, {})
            addresses = [
                ShardAddress(stream_name=mapping.stream_name, stream_id=plan.stream_id, shard_id=shard_id)
                for shard_id in plan.initial
            ]
            found = await asyncio.gather(*(self._position(address, millis) for address in addresses))
        except StreamNotFound:
            return None
        except StreamServiceUnavailable:
            if position == StartingPosition.TRIM_HORIZON:
                return None
            raise
        return lineage.resolve(plan, dict(zip(plan.initial, found, strict=True)))

    async def _position(self, address: ShardAddress, millis: int | None) -> int:
        return await (self._source.latest(address) if millis is None else self._source.at_time(address, millis))


class HandlerService:
    """The use cases of handlers."""

    def __init__(self, storage: Storage, *, directory: Directory, prober: Prober, clock: Clock) -> None:
        self._storage = storage
        self._directory = directory
        self._prober = prober
        self._clock = clock

    async def register(self, draft: Handler, *, request: RequestId | None) -> Handler:
        """Register a handler. Raises InvalidArgument, HandlerAlreadyExists, RequestIdReused."""
        handler = handlers.register(draft, now_millis=self._clock.unix_millis())
        stored = await self._storage.write(lambda stores: stores.handlers.register(handler, request=request))
        self._directory.put(stored)
        return stored

    async def get(self, handler_name: str) -> Handler:
        """One handler. Raises HandlerNotFound."""
        return await self._storage.read(lambda stores: stores.handlers.get(handler_name))

    async def list(self, *, after: str | None, limit: int) -> Sequence[Handler]:
        """Handlers by name."""
        return await self._storage.read(lambda stores: stores.handlers.list(after=after, limit=limit))

    async def update(
        self, handler_name: str, *, endpoint: str | None, timeout_seconds: float | None, etag: str | None
    ) -> Handler:
        """Change a handler; later batches follow. Raises InvalidArgument, HandlerNotFound, EtagMismatch."""
        seen = await self.get(handler_name)
        changed = handlers.update(seen, endpoint=endpoint, timeout_seconds=timeout_seconds, etag=etag)
        stored = await self._storage.write(lambda stores: stores.handlers.update(changed, seen_version=seen.version))
        self._directory.put(stored)
        await self._forget_endpoint(seen.endpoint)
        return stored

    async def deregister(self, handler_name: str) -> None:
        """Remove a handler; its mappings wait. Raises HandlerNotFound."""
        seen = await self.get(handler_name)
        await self._storage.write(lambda stores: stores.handlers.deregister(handler_name), frees_space=True)
        self._directory.remove(handler_name)
        await self._forget_endpoint(seen.endpoint)

    async def invoke(self, handler_name: str, request: bytes) -> ProbeResult:
        """Send an encoded test batch to a handler, once. Raises HandlerNotFound."""
        return await self._prober.probe(await self.get(handler_name), request)

    async def _forget_endpoint(self, endpoint: str) -> None:
        if not self._directory.has_endpoint(endpoint):
            await self._prober.forget(endpoint)


def _check_change(change: MappingChange) -> None:
    """Refuse what is wrong whatever the mapping is, before it is looked for."""
    violations = Violations()
    if change.handler_name is not None and not names.is_handler_name(change.handler_name):
        violations.add("mapping.handler_name", f"{change.handler_name[:200]!r} is not {names.HANDLER_NAME_FORM}")
    policies.check(replace(Policy(), **change.knobs), violations)
    violations.raise_if_any()


def _check_new(stores: Stores, *, mapping: EventSourceMapping) -> None:
    """What the store would refuse, without storing."""
    _check_handler(stores, handler_name=mapping.handler_name)
    same = stores.mappings.list(
        after=None, limit=2, event_source=mapping.event_source, handler_name=mapping.handler_name
    )
    for other in same:
        if other.mapping_id != mapping.mapping_id:
            raise MappingAlreadyExists(
                mapping_id=other.mapping_id, event_source=mapping.event_source, handler_name=mapping.handler_name
            )


def _check_handler(stores: Stores, *, handler_name: str) -> None:
    try:
        stores.handlers.get(handler_name)
    except HandlerNotFound as error:
        raise MappedHandlerNotFound(handler_name) from error
