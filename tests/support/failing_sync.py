"""A disk whose syncs fail from some moment on, for a process that runs: strace injects the errors."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator

STRACE = shutil.which("strace")
ATTACH_SECONDS = 30.0


@contextlib.asynccontextmanager
async def from_sync(number: int, pid: int) -> AsyncIterator[None]:
    """From the sync of this number on, counted from now in each thread, every sync of the process fails with EIO."""
    assert STRACE is not None
    what = ["-e", "trace=fsync,fdatasync", "-e", f"inject=fsync,fdatasync:error=EIO:when={number}+"]
    tracer = await asyncio.create_subprocess_exec(
        STRACE, "-f", "-o", "/dev/null", *what, "-p", str(pid), stderr=asyncio.subprocess.PIPE
    )
    try:
        assert tracer.stderr is not None
        async with asyncio.timeout(ATTACH_SECONDS):
            said = await tracer.stderr.readline()
        assert b"attached" in said, said.decode()
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            tracer.terminate()
        await tracer.communicate()
