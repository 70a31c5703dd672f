"""A stream's shards as the stream service lists them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedShard:
    """A shard that the stream still has, open or closed."""

    shard_id: str
    parent_shard_ids: tuple[str, ...] = ()
    """The one that was split or the two that were merged into it; empty for a shard the stream was created with."""
    ending_number: int | None = None
    """At or above the number of every record of a closed shard; None while it is open."""

    @property
    def is_open(self) -> bool:
        """Whether it takes records."""
        return self.ending_number is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardListing:
    """All shards of one incarnation of a stream, at one moment."""

    stream_id: str
    shards: tuple[ListedShard, ...]
    """In the order of their ids; complete, all pages."""

    @property
    def mark(self) -> "StreamMark":
        """What `StreamSource.marks` says of the stream while nothing has changed."""
        return StreamMark(self.stream_id, sum(shard.is_open for shard in self.shards))


@dataclass(frozen=True, slots=True)
class StreamMark:
    """What changes when a stream is created again or gets other shards: cheap to ask for of all streams at once."""

    stream_id: str
    open_shard_count: int
