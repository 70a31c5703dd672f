"""`millrace get`: what a stream has now."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from millrace_cli import calling, output
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import VerbFailed
from millrace_cli.records import filters, place, reader, writing
from millrace_cli.records.place import Place
from millrace_cli.records.reader import ShardReader, Source
from millrace_cli.records.view import View
from millrace_cli.session import Session

_CALLS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What `get` and `tail` were asked for, as it was written. No limit is 0."""

    stream: str
    shard: str = ""
    start: str
    limit: int = 0
    filters: Sequence[str] = ()
    template: str | None = None


async def get(session: Session, wanted: Wanted) -> None:
    """Print records in the order of their sequence numbers, merged over the shards.

    Raises UsageFailed, CallFailed, and VerbFailed for a shard that is not there.
    """
    start = place.parse(wanted.start, datetime.now().astimezone())
    passing = [filters.parse(each) for each in wanted.filters]
    written = 0
    with writing.Records(session.output, wanted.template) as writer:
        async with calling.stream_service(session) as service:
            source, shards = await reader.list_shards(service, wanted.stream)
            readers = await _readers(source, chosen(shards, wanted.shard, start), start)
            async for view in _merged(readers):
                if filters.passes(passing, view):
                    writer.add(view)
                    written += 1
                    if written == wanted.limit:
                        break
    if not written:
        output.note(f"no records in {wanted.stream} from {wanted.start} on{' that pass' if passing else ''}")


def chosen(shards: Sequence[Any], shard: str, start: Place) -> list[Any]:
    """The shards to read. Raises VerbFailed when one that was named is not there."""
    named = place.shard_id(shard) or start.shard_id
    if start.shard_id and named != start.shard_id:
        raise VerbFailed(
            f"the sequence number {start.sequence_number} is of {start.shard_id}, not of {named}", ExitCode.USAGE
        )
    found = [each for each in shards if not named or each.shard_id == named]
    if named and not found:
        known = ", ".join(each.shard_id for each in itertools.islice(shards, 8))
        raise VerbFailed(f"the stream has no shard {named!r}; it has {known}", ExitCode.NOT_FOUND)
    if start.kind == "latest":
        return [each for each in found if not each.sequence_number_range.ending_sequence_number or named]
    return found


async def _readers(source: Source, shards: Sequence[Any], start: Place) -> list[ShardReader]:
    size_bytes = reader.page_bytes(len(shards))
    free = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def one(shard: Any) -> ShardReader:
        async with free:
            after = await reader.position(source, shard.shard_id, start)
        return ShardReader(source, shard.shard_id, after=after, page_bytes=size_bytes)

    return await asyncio.gather(*(one(each) for each in shards))


async def _merged(readers: Sequence[ShardReader]) -> AsyncIterator[View]:
    """Records of all shards by their sequence numbers, whose beginning is their time."""
    each_shard = [_of_shard(one) for one in readers]
    free = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def following(index: int) -> tuple[str, int, View] | None:
        async with free:
            view = await anext(each_shard[index], None)
        return None if view is None else (view.sequence_number, index, view)

    heads = [head for head in await asyncio.gather(*map(following, range(len(readers)))) if head is not None]
    heapq.heapify(heads)
    while heads:
        _, index, view = heads[0]
        yield view
        head = await following(index)
        if head is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, head)


async def _of_shard(one: ShardReader) -> AsyncIterator[View]:
    """The shard's records up to those that were put after this began, however fast more are put."""
    began_millis: int | None = None
    while True:
        page = await one.read()
        began_millis = page.service_millis if began_millis is None else began_millis
        for view in page.records:
            yield view
        is_past = bool(page.records) and page.records[-1].record.approximate_arrival_unix_millis > began_millis
        if page.is_end or not page.records or is_past:
            return
