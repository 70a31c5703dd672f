"""Use cases of a stream's shards: listing them, and splitting and merging them. In core types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chassis.errors import Violations
from stream_service.core import limits, listing, resharding, works
from stream_service.core.ports import Clock, Records
from stream_service.core.shard import Shard
from stream_service.core.stream import Stream
from stream_service.page_tokens import PageTokens

PAGE_SIZE_DEFAULT = 1_000
PAGE_SIZE_CAP = 1_000
TRAFFIC_MILLIS = 300_000
"""What counts as lately."""

Traffic = Mapping[int, tuple[int, int]]
"""Records and bytes by shard index; shards without any are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardPage:
    """A page of a stream's shards."""

    stream: Stream
    shards: Sequence[Shard]
    next_page_token: str
    traffic: Traffic | None
    """None when it was not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resharding:
    """What became of a stream's shards, or would become of them."""

    shards: Sequence[Shard]
    """All that there were before."""
    outcome: resharding.Outcome
    traffic: Traffic | None
    """None when it was done."""

    @property
    def open_before(self) -> Sequence[Shard]:
        """The shards that took records before, by index."""
        return [each for each in self.shards if each.is_open]

    @property
    def open_after(self) -> Sequence[Shard]:
        """The shards that take records after, by hash key."""
        closed = {each.index for each in self.outcome.closed}
        kept = [each for each in self.open_before if each.index not in closed]
        return sorted([*kept, *self.outcome.opened], key=lambda each: each.starting_hash_key)


class ShardService:
    """Shards of streams."""

    def __init__(self, records: Records, tokens: PageTokens, clock: Clock) -> None:
        self._records = records
        self._tokens = tokens
        self._clock = clock

    async def list(
        self,
        name: str,
        *,
        page_size: int,
        page_token: str,
        shard_filter: listing.ShardFilter | None = None,
        with_traffic: bool = False,
    ) -> ShardPage:
        """A page of the shards within retention that a filter keeps.

        Raises InvalidArgument, InvalidPageToken (also for another filter's token), StreamNotFound.
        """
        problems = Violations()
        limits.check_name(problems, "stream_name", name)
        limits.check_range(problems, "page_size", page_size, (0, limits.PAGE_SIZE_MAX))
        if shard_filter is not None:
            listing.check(problems, shard_filter)
        problems.raise_if_any()
        size = min(page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_CAP)
        found, shards = await self._records.shards(name)
        scope = f"shards of {found.stream_id} {shard_filter}"
        start = self._tokens.start(scope, page_token)
        listed = listing.select(found, shards, shard_filter)
        left = [shard for shard in listed if not start or shard.index > int(start)]
        token = self._tokens.make(scope, str(left[size - 1].index)) if len(left) > size else ""
        traffic = await self._traffic(name) if with_traffic else None
        return ShardPage(stream=found, shards=left[:size], next_page_token=token, traffic=traffic)

    async def reshard(self, name: str, change: resharding.Change, *, validate_only: bool) -> Resharding:
        """Split or merge shards, or show what would become of them.

        Raises InvalidArgument, StreamNotFound, ShardNotFound, LimitExceeded.
        """
        problems = Violations()
        limits.check_name(problems, "stream_name", name)
        problems.raise_if_any()
        if validate_only:
            return await self._preview(name, change)
        done = await self._records.write(works.Reshard(name, change))
        assert isinstance(done, works.Resharded)
        made = {each.index for each in done.outcome.created}
        closed = {each.index: each for each in done.outcome.closed}
        before = [_as_it_was(each, closed) for each in done.shards if each.index not in made]
        return Resharding(shards=before, outcome=done.outcome, traffic=None)

    async def _preview(self, name: str, change: resharding.Change) -> Resharding:
        found, shards = await self._records.shards(name)
        outcome = resharding.reshard(
            found.name,
            change,
            shards,
            now_millis=self._clock.unix_millis(),
            highest_number=max(each.last for each in shards),
        )
        return Resharding(shards=shards, outcome=outcome, traffic=await self._traffic(name))

    async def _traffic(self, name: str) -> Traffic:
        return await self._records.traffic(name, since_millis=self._clock.unix_millis() - TRAFFIC_MILLIS)


def _as_it_was(shard: Shard, closed: Mapping[int, Shard]) -> Shard:
    return replace(shard, is_open=True, closed_millis=None) if shard.index in closed else shard
