"""Showing records to people and tools, in core types. It reads as little as it can, and no limit counts it."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import FieldViolation, InvalidArgument
from stream_service.core import listing, peeking, reading, sequence, starting
from stream_service.core.peeking import Peek, Piece
from stream_service.core.ports import Records
from stream_service.core.shard import Shard
from stream_service.core.stream import Stream

BYTES_MAX = 2 * peeking.BYTES_MAX
"""Of one shard's read: the answer's bytes, and what a segment may have before them."""


class PeekService:
    """Looks at records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def peek(self, wanted: Peek) -> list[Piece]:
        """Records in the order of their arrival. Raises StreamNotFound, ShardNotFound, RecordsDamaged."""
        stream, shards = await self._records.shards(wanted.stream_name)
        chosen = [each for each in shards if not listing.is_expired(stream, each)]
        if wanted.shard_index is not None:
            chosen = [starting.find_shard(stream, shards, wanted.shard_index)]
        chosen = [each for each in chosen if each.last > each.horizon]
        if wanted.from_number is None and wanted.from_millis is None:
            return await self._newest(stream, chosen, wanted.limit)
        return await self._from(stream, chosen, wanted)

    async def _newest(self, stream: Stream, shards: Sequence[Shard], limit: int) -> list[Piece]:
        """The last records: shards with newer ones first, until none can have any that count.

        Shards may have records with one number; of those the one of the higher shard is the later.
        """
        kept: list[Piece] = []
        for shard in sorted(shards, key=lambda each: (each.last, each.index), reverse=True)[:limit]:
            bar = kept[0].number if len(kept) >= limit else 0
            if shard.last < bar:
                break
            for tail in await self._records.tails(stream.name, [shard.index], count=limit):
                after = max(tail.after, bar - 1)
                bounds = reading.Bounds(limit=reading.RECORDS_MAX + limit, bytes_max=BYTES_MAX)
                kept = peeking.newest([*kept, *await self._read(stream, shard, after, bounds)], limit)
        return kept

    async def _from(self, stream: Stream, shards: Sequence[Shard], wanted: Peek) -> list[Piece]:
        kept: list[Piece] = []
        for shard in shards:
            after = _start(shard, wanted)
            bar = kept[-1].number if len(kept) >= wanted.limit else reading.NUMBER_MAX
            if after >= min(shard.last, bar):
                continue
            bounds = reading.Bounds(limit=wanted.limit, bytes_max=peeking.BYTES_MAX, until=bar)
            kept = peeking.oldest([*kept, *await self._read(stream, shard, after, bounds)], wanted.limit)
        return kept

    async def _read(self, stream: Stream, shard: Shard, after: int, bounds: reading.Bounds) -> list[Piece]:
        place = reading.Place(stream_name=stream.name, stream_id=stream.stream_id, shard_index=shard.index, after=after)
        return peeking.pieces_of(await self._records.read(place, bounds))


def _start(shard: Shard, wanted: Peek) -> int:
    """The number after which to read."""
    if wanted.from_millis is not None:
        first = sequence.first_of(max(0, min(wanted.from_millis, sequence.MILLIS_MAX)))
        return max(shard.horizon, min(first - 1, shard.last))
    number = wanted.from_number or 0
    if number > shard.last:
        text = f"{shard.text(number)} lies after the newest number, {shard.text(shard.last)}"
        raise InvalidArgument(FieldViolation("from_sequence_number", text))
    return max(shard.horizon, number - 1)
