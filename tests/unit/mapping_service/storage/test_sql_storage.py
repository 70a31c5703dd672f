"""Changes and checkpoints through the one writer: together in a commit, refused one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from chassis.database import engine, maintenance, migrations, readers, writer
from mapping_service.app import MIGRATIONS
from mapping_service.core import errors
from mapping_service.core.lease import Lease
from mapping_service.storage import sql_storage, tables
from mapping_service.stores import Stores
from tests.support.mapping_stores import a_handler, a_mapping, a_start, a_write


class Commits:
    """Counts groups of works."""

    def __init__(self) -> None:
        self.sizes: list[int] = []


@pytest.fixture
def database(tmp_path: Path) -> engine.Database:
    """A migrated database."""
    opened = engine.open_database(f"sqlite:///{tmp_path}/mapping.db")
    migrations.upgrade(opened, MIGRATIONS)
    return opened


@pytest.fixture
def commits() -> Commits:
    """What was written together."""
    return Commits()


@pytest_asyncio.fixture
async def storage(database: engine.Database, commits: Commits) -> AsyncIterator[sql_storage.SqlStorage]:
    """A storage with its writer and readers."""
    problems: list[str] = []
    writes = writer.Writer(
        database.writer_connection,
        sql_storage.transact,
        on_committed=lambda works, results: commits.sizes.append(len(works)),
        on_fatal=problems.append,
        housekeeper=maintenance.Maintenance(database, monotonic=time.monotonic),
    )
    reads = readers.Readers(database, on_fatal=problems.append)
    writes.start(asyncio.get_running_loop())
    yield sql_storage.SqlStorage(writes, reads)
    await writes.stop()
    reads.close()
    database.close()
    assert problems == []


async def leases(storage: sql_storage.SqlStorage) -> list[Lease]:
    """Leases of a mapping with two shards, all ours."""

    def begin(stores: Stores) -> None:
        stores.handlers.register(a_handler())
        stores.mappings.create(a_mapping(), start=a_start())
        stores.leases.heartbeat("a")
        stores.leases.take_all("a")

    await storage.write(begin)
    return list(await storage.read(lambda stores: stores.leases.leases("m-1")))


@pytest.mark.asyncio
async def test_a_change_is_visible_once_it_is_answered(storage: sql_storage.SqlStorage) -> None:
    await storage.write(lambda stores: stores.handlers.register(a_handler()))

    assert await storage.read(lambda stores: stores.handlers.get("bill")) == a_handler()


@pytest.mark.asyncio
async def test_a_change_that_is_refused_half_way_leaves_nothing_and_hurts_nobody(
    storage: sql_storage.SqlStorage,
) -> None:
    def half(stores: Stores) -> None:
        stores.handlers.register(a_handler("half"))
        stores.handlers.get("nobody")

    refused, stored = await asyncio.gather(
        storage.write(half),
        storage.write(lambda stores: stores.handlers.register(a_handler("whole"))),
        return_exceptions=True,
    )

    assert isinstance(refused, errors.HandlerNotFound)
    assert stored == a_handler("whole")
    found = await storage.read(lambda stores: stores.handlers.list(after=None, limit=10))
    assert [handler.handler_name for handler in found] == ["whole"]


@pytest.mark.asyncio
async def test_checkpoints_of_many_shards_share_commits_and_a_lost_lease_is_refused_alone(
    storage: sql_storage.SqlStorage, commits: Commits
) -> None:
    ours = await leases(storage)
    stale = Lease(**{**_fields(ours[0]), "epoch": ours[0].epoch - 1})
    commits.sizes.clear()

    results = await asyncio.gather(
        *(storage.checkpoint(a_write(ours[number % 2], number)) for number in range(1, 101)),
        storage.checkpoint(a_write(stale, 1_000)),
        return_exceptions=True,
    )

    assert results[:100] == [None] * 100
    assert isinstance(results[100], errors.LeaseLost)
    assert sum(commits.sizes) == 101
    assert len(commits.sizes) < 20
    after = await storage.read(lambda stores: stores.leases.leases("m-1"))
    assert [lease.checkpoint for lease in after] == [100, 99]


def test_the_migrations_make_the_tables_that_the_program_uses(database: engine.Database) -> None:
    context = MigrationContext.configure(database.writer_connection())

    differences = compare_metadata(context, tables.METADATA)
    database.close()

    assert [each for each in differences if "alembic_version" not in str(each)] == []


def test_leases_are_kept_by_key_without_row_ids(database: engine.Database) -> None:
    with database.reading() as connection:
        query = sqlalchemy.text("SELECT sql FROM sqlite_master WHERE name IN ('lease', 'delivery_state')")
        statements = connection.execute(query).scalars().all()
    database.close()

    assert [statement.rstrip().endswith("WITHOUT ROWID") for statement in statements] == [True, True]


def _fields(lease: Lease) -> dict[str, object]:
    return {name: getattr(lease, name) for name in Lease.__dataclass_fields__}
