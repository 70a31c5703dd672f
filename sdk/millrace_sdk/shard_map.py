"""Which open shard a hash key belongs to, as ListShards told it."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

from millrace.stream.v1 import stream_pb2


class ShardMap:
    """The open shards of a stream by their first hash key."""

    def __init__(self, shards: Iterable[stream_pb2.Shard]) -> None:
        opened = sorted(
            (int(shard.hash_key_range.starting_hash_key), shard.shard_id)
            for shard in shards
            if not shard.sequence_number_range.ending_sequence_number
        )
        self._starts = [start for start, _ in opened]
        self.shard_ids = [shard_id for _, shard_id in opened]

    def index_of(self, hash_key: int) -> int:
        """Index in shard_ids of the shard that holds the key. The ranges of open shards leave no gap."""
        return max(0, bisect.bisect_right(self._starts, hash_key) - 1)
