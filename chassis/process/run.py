"""Runs a service's process from its settings to its exit code."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from chassis.errors import StartRefused
from chassis.process import drain, logs, memory, settings, versions

_log = structlog.get_logger(__name__)

S = TypeVar("S", bound=settings.ServiceSettings)

Start = Callable[[S, drain.Drain], Awaitable[str]]
"""Builds and starts everything, registers how it ends, and returns the address that it listens on."""


def run(kind: type[S], start: Start[S]) -> int:
    """Run a service until it is told to stop; its exit code.

    Prints one line `ready HOST:PORT` to stdout when it serves, and to stderr what keeps it from it. Codes: 0 drained,
    1 failed, 2 settings, 5 the address or the database is taken, 130 and 143 a second signal.
    """
    try:
        loaded = settings.load(kind)
        logs.configure(loaded.log_level)
        versions.check()
        memory.keep_large_blocks()
        for name in settings.unknown_names(kind):
            _log.warning("setting_unknown", variable=name)
        return asyncio.run(_serve(loaded, start))
    except StartRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return refused.exit_code


async def _serve(loaded: S, start: Start[S]) -> int:
    ending = drain.Drain(timeout_seconds=loaded.drain_timeout_seconds)
    ending.listen()
    address = await start(loaded, ending)
    sys.stdout.write(f"ready {address}\n")
    sys.stdout.flush()
    code = await ending.run()
    if code != drain.EXIT_DRAINED:
        _leave(code)
    return code


def _leave(code: int) -> None:
    """End now, without waiting for threads that may hang and without touching the database again."""
    sys.stdout.flush()
    logging.shutdown()
    os._exit(code)
