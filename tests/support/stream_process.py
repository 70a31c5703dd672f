"""A real stream service for integration tests: a process of its own on a free port."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

STOP_TIMEOUT_SECONDS = 20


@contextlib.contextmanager
def service(module: str, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of a service that runs as its own process; it is ended afterwards."""
    with subprocess.Popen(
        [sys.executable, "-m", module], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().split()
        try:
            assert line[:1] == ["ready"], f"{module} did not start: {line}"
            yield line[1]
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_SECONDS)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of a stream service with a fresh database in the folder."""
    environment = {
        "MILLRACE_STREAM_LISTEN": "127.0.0.1:0",
        "MILLRACE_STREAM_DATABASE_URL": f"sqlite:///{folder / 'stream.db'}",
    }
    with service("stream_service", environment) as address:
        yield address
