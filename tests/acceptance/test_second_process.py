"""Two processes on one database: the second refuses to start and says what to do, the first goes on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chassis.database.lock_file import DatabaseInUse
from tests.support import mill
from tests.support.clients import Clients


@pytest.mark.asyncio
async def test_a_second_service_on_a_database_refuses_to_start_and_the_first_goes_on(tmp_path: Path) -> None:
    async with mill.running(tmp_path) as running:
        first = [(running.stream, "stream"), (running.mapping, "mapping")]
        second = [await asyncio.to_thread(_start_again, name, tmp_path / f"{name}.db") for _, name in first]
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder")
            await clients.put("orders", "1")
            await mill.until(lambda: "1" in running.history.refresh().delivered, "a record, by the first ones")
        pids = [service.pid for service, _ in first]

    for (_, name), pid, done in zip(first, pids, second, strict=True):
        assert (done.returncode, done.stdout) == (DatabaseInUse.exit_code, "")
        assert done.stderr.splitlines()[-1] == (
            f"the database {tmp_path / f'{name}.db'} is in use by process {pid}, which holds {name}.db.lock; "
            "one process may have it open: stop that one, or give this one another database"
        )
        assert "Traceback" not in done.stderr


def _start_again(name: str, database: Path) -> subprocess.CompletedProcess[str]:
    prefix = f"MILLRACE_{name.upper()}"
    variables = {f"{prefix}_LISTEN": "127.0.0.1:0", f"{prefix}_DATABASE_URL": f"sqlite:///{database}"}
    return subprocess.run(
        [sys.executable, "-m", f"{name}_service"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
