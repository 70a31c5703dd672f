"""How use cases get at the stores: a transaction at a time.

A change is a plain function that is given all stores of one open transaction. Changes that wait together share a
commit, so a change must be small, and raise its refusals before it writes or be ready to be undone.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mapping_service.core.lease import CheckpointWrite
from mapping_service.core.ports import AuditLog, DeadLetterStore, HandlerStore, LeaseTable, MappingStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stores:
    """All stores, on one transaction."""

    mappings: MappingStore
    handlers: HandlerStore
    leases: LeaseTable
    dead_letters: DeadLetterStore
    audit: AuditLog


class Storage(Protocol):
    """The database of the mapping service."""

    async def read(self, query: Callable[[Stores], T]) -> T:
        """What the query answers, on one snapshot of the database. It must not write."""
        ...

    async def write(self, change: Callable[[Stores], T], *, frees_space: bool = False) -> T:
        """What the change answers, once it is on disk. If it raises, nothing of it is stored.

        Raises StorageFull, Overloaded, Unavailable (nothing was stored) and OutcomeUnknown. On a full disk only changes
        that free space are let through.
        """
        ...

    def checkpoint(self, write: CheckpointWrite) -> Awaitable[object]:
        """LeaseTable.checkpoint, in a commit with all others that wait. Raises LeaseLost, and as `write`."""
        ...
