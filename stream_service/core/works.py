"""What the writer is asked to do, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from chassis.errors import DomainError
from stream_service.core import resharding
from stream_service.core.record import NewRecord
from stream_service.core.shard import Shard
from stream_service.core.stream import Consumer, Stream, StreamChange, StreamSpec

ProducerNumber: TypeAlias = tuple[bytes, int]
"""A producer's id and the number that it gave to a record."""


@dataclass(frozen=True, slots=True)
class Put:
    """Put records into a stream; the result is a PutDone."""

    stream_name: str
    records: Sequence[NewRecord]
    size_bytes: int
    attributes: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Named values of records, by place; none for most."""
    producers: Sequence[ProducerNumber | None] = ()
    """Who numbered each record; empty when nobody numbered any."""
    is_all_or_none: bool = False

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
    """Delete a stream; the result is a Deleted. Without force a stream with consumers is refused."""

    stream_name: str
    force: bool = True
    size_bytes: ClassVar[int] = 256
    record_count: ClassVar[int] = 1
    frees_space: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Deleted:
    """A stream that is gone, and the keys of its shards."""

    stream: Stream
    shard_keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class Update:
    """Change a stream; the result is an Updated. On a full disk it is how retention becomes shorter."""

    change: StreamChange
    request_id: str = ""
    size_bytes: ClassVar[int] = 1024
    record_count: ClassVar[int] = 1
    frees_space: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Updated:
    """A stream after a change."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Reshard:
    """Split or merge shards of a stream; the result is a Resharded."""

    stream_name: str
    change: resharding.Change
    size_bytes: ClassVar[int] = 1024
    record_count: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Resharded:
    """A stream after a change of its shards, and all its shards by index."""

    stream: Stream
    outcome: resharding.Outcome
    shards: Sequence[Shard]


@dataclass(frozen=True, slots=True)
class Register:
    """Register a consumer; the result is a Registered."""

    stream_name: str
    consumer_name: str
    request_id: str = ""
    size_bytes: ClassVar[int] = 256
    record_count: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Registered:
    """A stream and its new consumer."""

    stream: Stream
    consumer: Consumer


@dataclass(frozen=True, slots=True)
class Deregister:
    """Remove a consumer; the result is a Deregistered."""

    stream_name: str
    consumer_name: str
    size_bytes: ClassVar[int] = 256
    record_count: ClassVar[int] = 1
    frees_space: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Deregistered:
    """A stream and the consumer that it had."""

    stream: Stream
    consumer: Consumer


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
    expired: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Closed shards without records that were forgotten: their keys by the stream's name."""
    is_complete: bool = True


Work = Put | Create | Update | Delete | Reshard | Register | Deregister | Trim
