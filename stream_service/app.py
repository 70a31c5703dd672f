"""Where the stream service is plugged together."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

import grpc
import sqlalchemy as sa

from chassis.database import commit_metrics, readers, transaction, writer
from chassis.database.session import Database
from chassis.process import admin, call_metrics, drain, health, reflection, server, tracing
from stream_service import following, heads, metrics, reckoned_clock, retention, service, subscriptions
from stream_service.core import iterator, reckoning
from stream_service.core.ports import Clock
from stream_service.rpc import answers, methods, stream_servicer
from stream_service.settings import Settings
from stream_service.storage import opening, sql_catalog, sql_records, sql_store

SERVICE_NAME = "millrace.stream.v1.StreamService"
MIGRATIONS = opening.MIGRATIONS
SIGNING_KEY_BYTES = 32


async def start(loaded: Settings, ending: drain.Drain) -> str:
    """Open the database, serve, and say how to end; the address."""
    opened = opening.open_database(loaded.database_url)
    clock = opened.clock
    with opened.database.alone() as connection:
        signer = iterator.Signer(_signing_key(connection))
    store = sql_store.SqlStore(NumberClock(clock).now_millis, locks=opened.locks)
    told: list[writer.OnCommitted] = []

    def tell(works: Sequence[transaction.Work], results: Sequence[object]) -> None:
        for each in told:
            each(works, results)

    writes = writer.Writer(
        opened.connect,
        store.transact,
        on_committed=tell,
        on_fatal=ending.fail,
        housekeeper=opened.housekeeper,
        on_rolled_back=store.on_rolled_back,
    )
    reads = readers.Readers(opened.database, on_fatal=ending.fail)
    records = sql_records.SqlRecords(writes, reads)
    known = heads.Heads(records, is_shared=opened.hints is not None)
    use_cases = service.StreamService(records, known, signer, reckoned_clock.ReckonedClock(clock))
    pushed = subscriptions.Subscriptions(
        records, known, clock, lambda place, found: answers.subscription_event(use_cases.page(place, found))
    )
    puts, commits, calls = metrics.PutMeter(), commit_metrics.CommitMeter(), call_metrics.CallMeter()
    told += [lambda _, results: records.on_committed(results), known.on_committed, pushed.on_committed]
    told.append(puts.on_committed)
    writes.start(asyncio.get_running_loop(), meter=commits)
    traces = tracing.start(loaded.tracing, service_name="millrace-stream-service")
    built = server.build(calls, traces)
    address = await _serve(built, loaded, ending, stream_servicer.StreamServicer(use_cases, pushed))
    trimmer = retention.Retention(records, clock, interval_seconds=loaded.trim_interval_seconds)
    ending.spawn("retention", trimmer.run())
    if opened.hints is not None:
        ending.spawn("follower", following.Follower(records, known, pushed, opened.hints).run())
    ending.add("writer", writes.stop)
    ending.add("database", lambda: asyncio.to_thread(_close, reads, opened.database))
    if traces is not None:
        ending.add("traces", traces.stop)
    if loaded.admin_address != admin.OFF:
        sources = (
            calls.families,
            puts.families,
            lambda: commits.families(waiting_bytes=writes.waiting_bytes),
            lambda: metrics.present(waiters=len(known.waiters), is_disk_full=opened.is_disk_full()),
        )
        await admin.serve(loaded.admin_address, ending, sources)
    return address


async def _serve(
    built: grpc.aio.Server, loaded: Settings, ending: drain.Drain, servicer: stream_servicer.StreamServicer
) -> str:
    healthy = health.Health([SERVICE_NAME])
    healthy.add_to(built)
    if loaded.reflection:
        reflection.add_to(built, [SERVICE_NAME, health.SERVICE_NAME])
    built.add_generic_rpc_handlers((methods.handlers(servicer),))
    address = server.bind(built, loaded.listen)
    await built.start()
    healthy.ready()
    ending.add("health", _step(healthy.drain))
    ending.add("waiting calls", _step(servicer.drain))
    server.end_with(built, ending)
    return address


class NumberClock:
    """The time for new numbers: the wall clock, held back by the reckoned time (rule C2)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reckoning = reckoning.Reckoning(unix_millis=clock.unix_millis(), monotonic=clock.monotonic())

    def now_millis(self) -> int:
        """Called on the writer's thread only."""
        wall, monotonic = self._clock.unix_millis(), self._clock.monotonic()
        self._reckoning = self._reckoning.observe(wall, monotonic)
        return self._reckoning.number_millis(wall, monotonic)


def _signing_key(connection: sa.Connection) -> bytes:
    """The key that signs iterators and tokens: made at first start, kept in the database."""
    key = sql_catalog.get_meta(connection, "signing_key")
    if key is None:
        key = secrets.token_bytes(SIGNING_KEY_BYTES)
        sql_catalog.put_meta(connection, "signing_key", key)
    return key


def _step(action: Callable[[], None]) -> Callable[[], asyncio.Future[None]]:
    async def step() -> None:
        action()

    return lambda: asyncio.ensure_future(step())


def _close(reads: readers.Readers, closing: Database) -> None:
    reads.close()
    closing.close()
