"""Reading the log on SQL: records after a place, on one snapshot (rules L2, L4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from stream_service.core import errors, shard, stream
from stream_service.core.reading import Bounds, Found, Place
from stream_service.storage import segment, sql_catalog
from stream_service.storage.segment_cache import SegmentCache

_SEGMENTS = (
    "SELECT shard_key, first, last, previous_last, first_index, count, format, crc, record_index, payload "
    "FROM segment WHERE shard_key = ? AND last > ? ORDER BY last"
)


def read(connection: sa.Connection, cache: SegmentCache, found: stream.Stream, place: Place, bounds: Bounds) -> Found:
    """Records of a shard after a place. Raises ShardNotFound, PositionAhead, RecordsDamaged.

    Segments before a damaged one are answered; a read that begins at it is refused (rule L4).
    """
    row = sql_catalog.find_shard(connection, found, place.shard_index)
    if place.after > row.last:
        raise errors.PositionAhead(row.text(place.after), row.text(row.last))
    start = max(place.after, row.horizon)
    result = Found(stream=found, shard=row, start=start, slices=[], position=start)
    is_whole = gather(_segments(connection, cache, result), result, bounds)
    if not is_whole and not result.slices:
        raise errors.RecordsDamaged(found.name, row.shard_id, row.text(result.position))
    if result.is_end:
        result.children = shard.children_of(row, sql_catalog.shards_of(connection, found.key))
    return result


def gather(segments: Iterable[segment.Segment], result: Found, bounds: Bounds) -> bool:
    """Take segments until a bound or the end; False if one that is damaged or missing came before."""
    limit, bytes_left = bounds.limit, bounds.bytes_max
    for stored in segments:
        within = Bounds(limit=limit, bytes_max=bytes_left, until=bounds.until)
        part = segment.part_of(stored, result.position, within, must_have_one=not result.slices)
        if not part.numbers:
            return True
        result.slices.append(part)
        result.position = part.numbers[-1]
        limit -= len(part.numbers)
        bytes_left -= sum(part.sizes)
        result.is_cut = result.position < stored.last
        if result.is_cut or limit <= 0 or bytes_left <= 0:
            return True
    return result.position >= min(result.shard.last, bounds.until)


def cached(cache: SegmentCache, result: Found) -> Iterator[segment.Segment]:
    """Segments in memory that follow one on another from where the read stands, as far as the shard's row knows."""
    while (known := cache.after(result.shard.key, result.position)) is not None:
        if known.last > result.shard.last:
            return  # committed after this snapshot was taken
        yield known


def _segments(connection: sa.Connection, cache: SegmentCache, result: Found) -> Iterator[segment.Segment]:
    """Sound segments that follow one on another from where the read stands: first those in memory, then the disk's."""
    yield from cached(cache, result)
    if result.position >= result.shard.last:
        return
    rows = connection.exec_driver_sql(_SEGMENTS, (result.shard.key, result.position))
    try:
        for row in rows:
            stored = segment.Segment(*row)
            if stored.previous_last > result.position or not segment.is_sound(stored):
                return
            cache.add(stored)
            yield stored
    finally:
        rows.close()
