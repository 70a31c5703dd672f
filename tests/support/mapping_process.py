"""A real mapping service for integration tests: a process of its own on a free port."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.support import stream_process


@contextlib.contextmanager
def running(folder: Path, stream_address: str) -> Iterator[str]:
    """Its address; the process is ended afterwards. `stream_address` need not answer."""
    environment = {
        "MILLRACE_MAPPING_LISTEN": "127.0.0.1:0",
        "MILLRACE_MAPPING_DATABASE_URL": f"sqlite:///{folder / 'mapping.db'}",
        "MILLRACE_MAPPING_STREAM_SERVICE": stream_address,
    }
    with stream_process.service("mapping_service", environment) as address:
        yield address
