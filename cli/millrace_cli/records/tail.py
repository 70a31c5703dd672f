"""`millrace tail`: what comes into a stream, until interrupted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from millrace_cli import calling, output
from millrace_cli.exit_codes import ExitCode
from millrace_cli.records import filters, get, lineage, place, reader, writing
from millrace_cli.records.get import Wanted
from millrace_cli.records.place import Place
from millrace_cli.records.pushed import PushedReader
from millrace_cli.records.reader import Page, ShardReader, Source
from millrace_cli.refusal import CallFailed
from millrace_cli.session import Session

WAIT_SECONDS = 20
"""How long a read waits for a record: the longest that the service allows, so that an idle shard costs little."""

_BACKOFF_SECONDS = (0.1, 2.0)
_PAGES_MAX = 64


async def tail(session: Session, wanted: Wanted, *, consumer: str = "") -> None:
    """Print records as they come, in the order of each shard, until `limit` are printed or it is interrupted.

    As a registered consumer it has the shards pushed; without one it reads, which counts against read limits. A
    connection that breaks is made again, for as long as it takes. Raises UsageFailed, CallFailed, and VerbFailed for a
    shard that is not there.
    """
    start = place.parse(wanted.start, datetime.now().astimezone())
    passing = [filters.parse(each) for each in wanted.filters]
    written = 0
    with writing.Records(session.output, wanted.template) as writer:
        async with calling.stream_service(session) as service:
            source, shards = await reader.list_shards(service, wanted.stream)
            following = _Following(source, start, consumer)
            async for page in following.pages(get.chosen(shards, wanted.shard, start)):
                for view in page.records:
                    if filters.passes(passing, view):
                        writer.add(view)
                        written += 1
                        if written == wanted.limit:
                            return
                writer.flush()


class _Following:
    """Reads of all shards at once, each in a task of its own."""

    def __init__(self, source: Source, start: Place, consumer: str) -> None:
        self._source = source
        self._start = start
        self._consumer = consumer
        self._lineage = lineage.Lineage()
        self._pages: asyncio.Queue[Page | CallFailed] = asyncio.Queue(_PAGES_MAX)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._connection = _Connection(source.service.address)

    async def pages(self, shards: Sequence[Any]) -> AsyncIterator[Page]:
        """Pages with records as they come; it ends when all shards did and have no children. Raises CallFailed."""
        positions = await self._positions(shards)
        for each in shards:
            self._lineage.add(each.shard_id, (each.parent_shard_id, each.adjacent_parent_shard_id))
        try:
            self._go(positions)
            while self._tasks:
                page = await self._pages.get()
                if isinstance(page, CallFailed):
                    raise page
                if page.records:
                    yield page
                if page.is_end:
                    self._on_end(page)
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def _positions(self, shards: Sequence[Any]) -> dict[str, str]:
        """Where each shard starts, resolved before anything is read, so that a wait loses nothing."""
        return {each.shard_id: await reader.position(self._source, each.shard_id, self._start) for each in shards}

    def _on_end(self, page: Page) -> None:
        del self._tasks[page.shard_id]
        self._lineage.end(page.shard_id)
        for child in page.child_shards:
            self._lineage.add(child.shard_id, child.parent_shard_ids)
        self._go({})

    def _go(self, positions: dict[str, str]) -> None:
        """Read what may be read now; a child starts at its beginning."""
        size_bytes = reader.page_bytes(max(1, len(positions)))
        for shard_id in self._lineage.startable():
            one = self._reader(shard_id, positions.get(shard_id, ""), size_bytes)
            self._tasks[shard_id] = asyncio.get_running_loop().create_task(self._run(one))

    def _reader(self, shard_id: str, after: str, size_bytes: int) -> ShardReader | PushedReader:
        if self._consumer:
            return PushedReader(self._source, shard_id, consumer=self._consumer, after=after)
        return ShardReader(self._source, shard_id, after=after, page_bytes=size_bytes)

    async def _run(self, one: ShardReader | PushedReader) -> None:
        """Read to the end of the shard, through interruptions."""
        failures = 0
        while True:
            try:
                # After a failure it does not wait, so that its user hears at once that it is over.
                page = await one.read(wait_seconds=0 if failures else WAIT_SECONDS)
            except CallFailed as failed:
                if failed.code is not ExitCode.UNAVAILABLE:
                    await self._pages.put(failed)
                    return
                self._connection.lost(failed)
                await asyncio.sleep(_backoff_seconds(failures))
                failures += 1
                continue
            failures = 0
            self._connection.works()
            if page.records or page.is_end:
                await self._pages.put(page)
            if page.is_end:
                return


class _Connection:
    """Says once that it is lost, and once that it is back."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._is_lost = False

    def lost(self, failed: CallFailed) -> None:
        """A read failed."""
        if not self._is_lost:
            output.note(f"{self._address} does not answer ({failed.refusal.code}); trying again until it does")
        self._is_lost = True

    def works(self) -> None:
        """A read was answered."""
        if self._is_lost:
            output.note(f"{self._address} answers again")
        self._is_lost = False


def _backoff_seconds(failures: int) -> float:
    least, most = _BACKOFF_SECONDS
    return random.uniform(0.5, 1.0) * min(most, least * 2.0 ** min(failures, 16))
