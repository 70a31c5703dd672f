"""What the writer is asked to do, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from chassis.errors import DomainError
from stream_service.core.record import NewRecord
from stream_service.core.stream import Stream, StreamSpec


@dataclass(frozen=True, slots=True)
class Put:
    """Put records into a stream; the result is a PutDone."""

    stream_name: str
    records: Sequence[NewRecord]
    size_bytes: int

    @property
    def record_count(self) -> int:
        """How many records it counts against a commit."""
        return len(self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What a commit appended: the new heads by shard key, and the segments as storage knows them."""

    heads: dict[int, int]
    segments: list[object]


@dataclass(frozen=True, slots=True)
class PutDone:
    """For each record, in order, its shard id and sequence number, or why not; and the commit that they share."""

    answers: Sequence[tuple[str, str] | DomainError]
    commit: Commit


@dataclass(frozen=True, slots=True)
class Create:
    """Create a stream; the result is the Stream."""

    spec: StreamSpec
    request_id: str
    size_bytes: ClassVar[int] = 1024
    record_count: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a stream; the result is a Deleted."""

    stream_name: str
    size_bytes: ClassVar[int] = 256
    record_count: ClassVar[int] = 1
    frees_space: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Deleted:
    """A stream that is gone, and the keys of its shards."""

    stream: Stream
    shard_keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class Trim:
    """One bounded pass of trimming; the result is a Trimmed."""

    passed_seconds: float
    size_bytes: ClassVar[int] = 1 << 20
    record_count: ClassVar[int] = 1
    frees_space: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """What a pass did. `is_complete` is false when the bound was reached first."""

    segments: int = 0
    horizons: Mapping[int, int] = field(default_factory=dict)
    is_complete: bool = True


Work = Put | Create | Delete | Trim
