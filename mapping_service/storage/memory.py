"""Stores in memory, with the promises of those in SQL: for tests, and to say in Python what the SQL says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mapping_service.core.audit import AuditEntry
from mapping_service.core.dead_letter import DeadLetter
from mapping_service.core.errors import (
    DeadLetterNotFound,
    EtagMismatch,
    HandlerAlreadyExists,
    HandlerNotFound,
    MappedHandlerNotFound,
    MappingAlreadyExists,
    MappingInUse,
    MappingNotFound,
    RequestIdReused,
)
from mapping_service.core.handler import Handler
from mapping_service.core.lease import CheckpointWrite, Lease
from mapping_service.core.mapping import EventSourceMapping, MappingState
from mapping_service.core.ports import REQUEST_ID_MILLIS, DeadLetterQuery, RequestId, ResolvedStart
from mapping_service.storage import memory_leases
from mapping_service.stores import Stores

T = TypeVar("T")


@dataclass(slots=True)
class Tables:
    """What a database would hold; the values are never changed in place."""

    mappings: dict[str, EventSourceMapping] = field(default_factory=dict)
    handlers: dict[str, Handler] = field(default_factory=dict)
    requests: dict[tuple[str, str], tuple[bytes, str, int]] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)
    leases: dict[tuple[str, str], Lease] = field(default_factory=dict)
    dead_letters: dict[str, DeadLetter] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)

    def copy(self) -> "Tables":
        """The same, to come back to."""
        return Tables(
            dict(self.mappings),
            dict(self.handlers),
            dict(self.requests),
            dict(self.workers),
            dict(self.leases),
            dict(self.dead_letters),
            list(self.audit),
        )

    def restore(self, saved: "Tables") -> None:
        """Come back to what was saved."""
        self.mappings, self.handlers, self.requests = saved.mappings, saved.handlers, saved.requests
        self.workers, self.leases, self.dead_letters = saved.workers, saved.leases, saved.dead_letters
        self.audit = saved.audit


class MemoryStorage:
    """See Storage for the promises."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables()
        self._stores = stores_on(self.tables)

    async def read(self, query: Callable[[Stores], T]) -> T:
        """See Storage."""
        return query(self._stores)

    async def write(self, change: Callable[[Stores], T], *, frees_space: bool = False) -> T:
        """See Storage."""
        saved = self.tables.copy()
        try:
            return change(self._stores)
        except Exception:
            self.tables.restore(saved)
            raise

    async def checkpoint(self, write: CheckpointWrite) -> object:
        """See Storage."""
        await self.write(lambda stores: stores.leases.checkpoint(write))
        return None


def stores_on(tables: Tables) -> Stores:
    """All stores on these tables."""
    return Stores(
        mappings=MemoryMappings(tables),
        handlers=MemoryHandlers(tables),
        leases=memory_leases.MemoryLeases(tables),
        dead_letters=MemoryDeadLetters(tables),
        audit=MemoryAuditLog(tables),
    )


class MemoryAuditLog:
    """See AuditLog for the promises."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, entry: AuditEntry) -> None:
        """See AuditLog."""
        self._tables.audit.append(entry)

    def list(self, mapping_id: str, *, limit: int) -> Sequence[AuditEntry]:
        """See AuditLog."""
        return [entry for entry in reversed(self._tables.audit) if entry.mapping_id == mapping_id][:limit]

    def trim(self, *, before_millis: int, limit: int) -> int:
        """See AuditLog."""
        old = [entry for entry in self._tables.audit if entry.create_millis < before_millis][:limit]
        for entry in old:
            self._tables.audit.remove(entry)
        return len(old)


class MemoryMappings:
    """See MappingStore for the promises."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def create(
        self,
        mapping: EventSourceMapping,
        *,
        start: ResolvedStart | None,
        request: RequestId | None = None,
    ) -> EventSourceMapping:
        """See MappingStore."""
        made = _known(self._tables, "mapping", request, now_millis=mapping.create_millis)
        if made is not None:
            return self.get(made)
        self._check_handler(mapping.handler_name)
        self._check_pair(mapping)
        stored = replace(mapping, stream_id=start.stream_id if start else None)
        self._tables.mappings[mapping.mapping_id] = stored
        if start is not None:
            memory_leases.insert_leases(self._tables, mapping.mapping_id, start.stream_id, start.leases)
        made_of = (mapping.mapping_id, mapping.create_millis)
        _remember(self._tables, "mapping", request, made=made_of)
        return stored

    def get(self, mapping_id: str) -> EventSourceMapping:
        """See MappingStore."""
        mapping = self._tables.mappings.get(mapping_id)
        if mapping is None:
            raise MappingNotFound(mapping_id)
        return mapping

    def list(
        self,
        *,
        after: tuple[int, str] | None,
        limit: int,
        event_source: str | None = None,
        handler_name: str | None = None,
    ) -> Sequence[EventSourceMapping]:
        """See MappingStore."""
        found = sorted(self._tables.mappings.values(), key=_order)
        return [
            each
            for each in found
            if (after is None or _order(each) > after)
            and event_source in (None, each.event_source)
            and handler_name in (None, each.handler_name)
        ][:limit]

    def update(self, mapping: EventSourceMapping, *, seen: EventSourceMapping) -> EventSourceMapping:
        """See MappingStore."""
        stored = self.get(mapping.mapping_id)
        if stored.version != seen.version:
            raise EtagMismatch(seen.etag)
        if stored.state != seen.state:
            raise MappingInUse(mapping_id=stored.mapping_id, state=stored.state)
        if mapping.handler_name != stored.handler_name:
            self._check_handler(mapping.handler_name)
            self._check_pair(mapping)
        kept = replace(mapping, stream_id=stored.stream_id, last_processing_result=stored.last_processing_result)
        self._tables.mappings[mapping.mapping_id] = kept
        return kept

    def set_result(self, mapping_id: str, last_processing_result: str) -> None:
        """See MappingStore."""
        stored = self._tables.mappings.get(mapping_id)
        if stored is not None:
            changed = replace(stored, last_processing_result=last_processing_result)
            self._tables.mappings[mapping_id] = changed

    def remove(self, mapping_id: str) -> None:
        """See MappingStore."""
        stored = self._tables.mappings.get(mapping_id)
        if stored is None or stored.state != MappingState.DELETING:
            return
        del self._tables.mappings[mapping_id]
        for key in [key for key in self._tables.leases if key[0] == mapping_id]:
            del self._tables.leases[key]

    def _check_handler(self, handler_name: str) -> None:
        if handler_name not in self._tables.handlers:
            raise MappedHandlerNotFound(handler_name)

    def _check_pair(self, mapping: EventSourceMapping) -> None:
        pair = (mapping.event_source, mapping.handler_name)
        for other in self._tables.mappings.values():
            if (other.event_source, other.handler_name) == pair and other.mapping_id != mapping.mapping_id:
                raise MappingAlreadyExists(mapping_id=other.mapping_id, event_source=pair[0], handler_name=pair[1])


class MemoryHandlers:
    """See HandlerStore for the promises."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def register(self, handler: Handler, *, request: RequestId | None = None) -> Handler:
        """See HandlerStore."""
        made = _known(self._tables, "handler", request, now_millis=handler.create_millis)
        if made is not None:
            return self.get(made)
        if handler.handler_name in self._tables.handlers:
            raise HandlerAlreadyExists(handler.handler_name)
        self._tables.handlers[handler.handler_name] = handler
        made_of = (handler.handler_name, handler.create_millis)
        _remember(self._tables, "handler", request, made=made_of)
        return handler

    def get(self, handler_name: str) -> Handler:
        """See HandlerStore."""
        handler = self._tables.handlers.get(handler_name)
        if handler is None:
            raise HandlerNotFound(handler_name)
        return handler

    def list(self, *, after: str | None, limit: int) -> Sequence[Handler]:
        """See HandlerStore."""
        names = sorted(name for name in self._tables.handlers if after is None or name > after)
        return [self._tables.handlers[name] for name in names[:limit]]

    def update(self, handler: Handler, *, seen_version: int) -> Handler:
        """See HandlerStore."""
        if self.get(handler.handler_name).version != seen_version:
            raise EtagMismatch(str(seen_version))
        self._tables.handlers[handler.handler_name] = handler
        return handler

    def deregister(self, handler_name: str) -> None:
        """See HandlerStore."""
        self.get(handler_name)
        del self._tables.handlers[handler_name]


class MemoryDeadLetters:
    """See DeadLetterStore for the promises."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def list(self, query: DeadLetterQuery, *, limit: int) -> Sequence[DeadLetter]:
        """See DeadLetterStore."""
        return [
            replace(each, payload=b"")
            for each in self._oldest_first()
            if each.mapping_id == query.mapping_id
            and query.shard_id in (None, each.shard_id)
            and (query.after is None or _age(each) > query.after)
        ][:limit]

    def get(self, dead_letter_id: str) -> DeadLetter:
        """See DeadLetterStore."""
        found = self._tables.dead_letters.get(dead_letter_id)
        if found is None:
            raise DeadLetterNotFound
        return found

    def payload_bytes(self, mapping_id: str) -> int:
        """See DeadLetterStore."""
        return memory_leases.payload_bytes(self._tables, mapping_id)

    def delete(self, dead_letter_ids: Sequence[str]) -> int:
        """See DeadLetterStore."""
        return sum(self._tables.dead_letters.pop(each, None) is not None for each in dead_letter_ids)

    def trim(self, *, before_millis: int, limit: int) -> int:
        """See DeadLetterStore."""
        old = [each.dead_letter_id for each in self._oldest_first() if each.create_millis < before_millis]
        return self.delete(old[:limit])

    def _oldest_first(self) -> Sequence[DeadLetter]:
        return sorted(self._tables.dead_letters.values(), key=_age)


def _order(mapping: EventSourceMapping) -> tuple[int, str]:
    return mapping.create_millis, mapping.mapping_id


def _age(dead_letter: DeadLetter) -> tuple[int, str]:
    return dead_letter.create_millis, dead_letter.dead_letter_id


def _known(tables: Tables, kind: str, request: RequestId | None, *, now_millis: int) -> str | None:
    if request is None:
        return None
    digest, resource, create_millis = tables.requests.get((kind, request.request_id), (b"", "", 0))
    if create_millis <= now_millis - REQUEST_ID_MILLIS:
        return None
    if digest != request.digest:
        raise RequestIdReused(request.request_id)
    return resource


def _remember(tables: Tables, kind: str, request: RequestId | None, *, made: tuple[str, int]) -> None:
    if request is not None:
        tables.requests[kind, request.request_id] = (request.digest, *made)
