"""Which shards ListShards lists: the six filters of Kinesis.

A shard is open from its creation until it is closed, the moment of closing not included. As a split or merge closes and
creates at one moment, the shards that were open at a time cover the hash keys, each key once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chassis.errors import Violations
from stream_service.core.shard import Shard
from stream_service.core.stream import Stream


class FilterType(StrEnum):
    """The six filters."""

    AFTER_SHARD_ID = "AFTER_SHARD_ID"
    AT_TRIM_HORIZON = "AT_TRIM_HORIZON"
    FROM_TRIM_HORIZON = "FROM_TRIM_HORIZON"
    AT_LATEST = "AT_LATEST"
    AT_TIMESTAMP = "AT_TIMESTAMP"
    FROM_TIMESTAMP = "FROM_TIMESTAMP"


_BY_TIME = (FilterType.AT_TIMESTAMP, FilterType.FROM_TIMESTAMP)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFilter:
    """A filter as it is asked for. Without a type it is refused."""

    type: FilterType | None
    shard_index: int | None = None
    unix_millis: int | None = None


def check(problems: Violations, wanted: ShardFilter) -> None:
    """The type, and what goes with it."""
    if wanted.type is None:
        problems.add("shard_filter.type", "must be one of " + ", ".join(FilterType))
        return
    if wanted.type is FilterType.AFTER_SHARD_ID and wanted.shard_index is None:
        problems.add("shard_filter.shard_id", f"is required with {wanted.type}: 'shardId-' and 12 digits")
    elif wanted.type is not FilterType.AFTER_SHARD_ID and wanted.shard_index is not None:
        problems.add("shard_filter.shard_id", f"must be unset with {wanted.type}")
    if wanted.type in _BY_TIME and wanted.unix_millis is None:
        problems.add("shard_filter.time", f"is required with {wanted.type}")
    elif wanted.type not in _BY_TIME and wanted.unix_millis is not None:
        problems.add("shard_filter.time", f"must be unset with {wanted.type}")


def select(stream: Stream, shards: Sequence[Shard], wanted: ShardFilter | None) -> list[Shard]:
    """The shards within retention that the filter keeps, by index."""
    horizon = max(stream.horizon_millis, stream.created_millis)
    listed = [each for each in shards if not is_expired(stream, each)]
    if wanted is None:
        return listed
    time = max(horizon, wanted.unix_millis or 0)
    match wanted.type:
        case FilterType.AFTER_SHARD_ID:
            return [each for each in listed if each.index > (wanted.shard_index or 0)]
        case FilterType.AT_TRIM_HORIZON | FilterType.AT_TIMESTAMP:
            return [each for each in listed if each.created_millis <= time and _is_open_after(each, time)]
        case FilterType.FROM_TIMESTAMP:
            return [each for each in listed if _is_open_after(each, time)]
        case FilterType.AT_LATEST:
            return [each for each in listed if each.is_open]
        case _:
            return listed


def is_expired(stream: Stream, shard: Shard) -> bool:
    """Whether a closed shard's records are all past retention, so that it is not listed any more."""
    return not _is_open_after(shard, stream.horizon_millis)


def _is_open_after(shard: Shard, unix_millis: int) -> bool:
    return shard.closed_millis is None or shard.closed_millis > unix_millis
