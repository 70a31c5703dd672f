"""Where the mapping service is plugged together."""

import asyncio
import secrets
import uuid
from pathlib import Path

import grpc
import sqlalchemy

from chassis import clock as clocks
from chassis.database import commit_metrics, engine, maintenance, migrations, readers, writer
from chassis.process import admin, call_metrics, drain, health, reflection, server, tracing
from mapping_service import metrics, service
from mapping_service.pollers.handler_client import GrpcHandlerClient
from mapping_service.pollers.handler_directory import HandlerDirectory
from mapping_service.pollers.results import Results
from mapping_service.pollers.stream_client import StreamClient
from mapping_service.pollers.supervisor import Supervisor
from mapping_service.pollers.world import World
from mapping_service.rpc import serving
from mapping_service.rpc.page_token import PageTokens
from mapping_service.settings import Settings
from mapping_service.storage import sql_storage, tables

MIGRATIONS = Path(__file__).parent / "storage" / "migrations"
SIGNING_KEY_ID = 1
SIGNING_KEY_BYTES = 32
POLLERS_SHARE = 0.6
"""Of the time of a drain, for calls that handlers are at; the rest is for storing and closing."""


async def start(loaded: Settings, ending: drain.Drain) -> str:
    """Open the database, take the leases, serve, and say how to end; the address."""
    database = engine.open_database(loaded.database_url)
    migrations.upgrade(database, MIGRATIONS)
    clock = clocks.SystemClock()
    writes, reads = _database_threads(database, ending, clock)
    storage = sql_storage.SqlStorage(writes, reads)
    source = StreamClient(loaded.stream_service, clock)
    traces = tracing.start(loaded.tracing, service_name="millrace-mapping-service")
    handlers = GrpcHandlerClient(traces)
    world = World(
        worker_id=str(uuid.uuid4()),
        storage=storage,
        source=source,
        handlers=handlers,
        directory=HandlerDirectory(),
        clock=clock,
        service_millis=source.clock.millis,
        results=Results(storage),
    )
    supervisor = Supervisor(world, lease_seconds=loaded.lease_seconds)
    use_cases = serving.UseCases(
        mappings=service.MappingService(storage, source, runners=supervisor, clock=clock),
        handlers=service.HandlerService(storage, directory=world.directory, prober=handlers, clock=clock),
        tokens=PageTokens(_signing_key(database.writer_connection())),
    )
    commits, calls = commit_metrics.CommitMeter(), call_metrics.CallMeter()
    writes.start(asyncio.get_running_loop(), meter=commits)
    await supervisor.begin()
    built = server.build(calls, traces)
    healthy = _add_services(built, loaded, use_cases)
    address = server.bind(built, loaded.listen)
    await built.start()
    healthy.ready()
    _end_with(ending, healthy, supervisor)
    server.end_with(built, ending)
    ending.spawn("watch", source.run())
    ending.add("handlers", handlers.close)
    ending.add("stream service", source.close)
    ending.add("writer", writes.stop)
    ending.add("database", lambda: asyncio.to_thread(_close, reads, database))
    if traces is not None:
        ending.add("traces", traces.stop)
    if loaded.admin_address != admin.OFF:
        sources = (
            calls.families,
            lambda: commits.families(waiting_bytes=writes.waiting_bytes),
            lambda: metrics.of_mappings(supervisor.figures()),
            lambda: metrics.present(poller_bytes=world.budget.used_bytes, is_connected=source.is_connected),
        )
        await admin.serve(loaded.admin_address, ending, sources)
    return address


def _end_with(ending: drain.Drain, healthy: health.Health, supervisor: Supervisor) -> None:
    """First say that we drain; then let handlers finish, before the server takes its time."""
    pollers_seconds = ending.timeout_seconds * POLLERS_SHARE

    async def say_that_we_drain() -> None:
        healthy.drain()

    ending.add("health", say_that_we_drain)
    ending.spawn("supervisor", supervisor.run())
    ending.add("pollers", lambda: supervisor.stop(timeout_seconds=pollers_seconds))


def _database_threads(
    database: engine.Database, ending: drain.Drain, clock: clocks.SystemClock
) -> tuple[writer.Writer, readers.Readers]:
    writes = writer.Writer(
        database.writer_connection,
        sql_storage.transact,
        on_committed=lambda works, results: None,
        on_fatal=ending.fail,
        housekeeper=maintenance.Maintenance(database, monotonic=clock.monotonic),
    )
    return writes, readers.Readers(database, on_fatal=ending.fail)


def _add_services(built: grpc.aio.Server, loaded: Settings, use_cases: serving.UseCases) -> health.Health:
    healthy = health.Health(serving.SERVICE_NAMES)
    healthy.add_to(built)
    serving.add_to(built, use_cases)
    if loaded.reflection:
        reflection.add_to(built, [*serving.SERVICE_NAMES, health.SERVICE_NAME])
    return healthy


def _signing_key(connection: sqlalchemy.Connection) -> bytes:
    """The key that signs page tokens: made at first start, kept in the database."""
    keys = tables.SIGNING_KEY
    found = connection.execute(
        sqlalchemy.select(keys.c.key).where(keys.c.key_id == SIGNING_KEY_ID)
    ).scalar_one_or_none()
    if found is not None:
        return bytes(found)
    key = secrets.token_bytes(SIGNING_KEY_BYTES)
    connection.execute(sqlalchemy.insert(keys).values(key_id=SIGNING_KEY_ID, key=key))
    return key


def _close(reads: readers.Readers, database: engine.Database) -> None:
    reads.close()
    database.close()
