"""A stream's shards while they are split, merged and scaled: the pure rules applied, and every state kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stream_service.core import resharding, sequence
from stream_service.core.shard import Shard, uniform_ranges
from stream_service.core.stream import Stream
from tests.support import stream_shards

NOW = 1_700_000_000_000
"""When the stream is created."""


def opened(shards: Sequence[Shard]) -> list[Shard]:
    """The open shards by hash key."""
    return sorted((each for each in shards if each.is_open), key=lambda each: each.starting_hash_key)


class ShardHistory:
    """Shards by index, as storage would keep them."""

    def __init__(self, count: int) -> None:
        self.now = NOW
        floor = sequence.first_of(NOW) - 1
        self._highest = floor
        self.shards = [
            Shard(
                key=index,
                index=index,
                starting_hash_key=low,
                ending_hash_key=high,
                floor=floor,
                last=floor,
                next_index=0,
                horizon=floor,
                horizon_index=0,
                created_millis=NOW,
            )
            for index, (low, high) in enumerate(uniform_ranges(count))
        ]
        self.snapshots = [list(self.shards)]

    def put(self, chance: int) -> None:
        """Put a record into one of the open shards."""
        left = opened(self.shards)
        shard = left[chance % len(left)]
        last = sequence.next_run(shard.last, self.now, 1)[0]
        self.shards[shard.index] = replace(shard, last=last, next_index=shard.next_index + 1)
        self._highest = max(self._highest, last)

    def apply(self, change: resharding.Change) -> resharding.Outcome:
        """Do a change; a refusal changes nothing."""
        done = resharding.reshard("orders", change, self.shards, now_millis=self.now, highest_number=self._highest)
        for each in done.closed:
            self.shards[each.index] = each
        self.shards += [replace(each, key=each.index) for each in done.created]
        self._highest = max([self._highest, *(each.floor for each in done.created)])
        self.snapshots.append(list(self.shards))
        return done

    def stream(self, *, horizon_millis: int = 0) -> Stream:
        """The stream of these shards."""
        return replace(stream_shards.a_stream(), created_millis=NOW, horizon_millis=horizon_millis)
