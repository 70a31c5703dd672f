"""The storages of the stream service, for suites that run on each."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support import postgres_server, stream_records
from tests.support.stream_records import World

ENGINES = ["memory", "sqlite", "postgres"]


@contextlib.asynccontextmanager
async def a_world(engine: str, folder: Path) -> AsyncIterator[World]:
    """An empty storage on an engine."""
    if engine == "memory":
        yield stream_records.in_memory()
        return
    if engine == "sqlite":
        async with stream_records.on_sqlite(folder) as made:
            yield made
        return
    with postgres_server.a_database() as url:
        async with stream_records.on_postgres(url) as made:
            yield made
