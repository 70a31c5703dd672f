"""Runs a verb to its exit code, and ends it in order when it is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine

from millrace_cli import child, failure

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(verb: Coroutine[object, object, int]) -> int:
    """The verb's exit code; 1 with a line on stderr when it cannot go on, 128 and the signal when interrupted.

    A first signal cancels the verb, which then stops what it started; a second one kills that at once.
    """
    try:
        return asyncio.run(_run(verb))
    except failure.VerbFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1


async def _run(verb: Coroutine[object, object, int]) -> int:
    task = asyncio.ensure_future(verb)
    received: list[int] = []

    def on_signal(number: int) -> None:
        if received:
            child.kill_all()
            os._exit(128 + number)
        received.append(number)
        task.cancel()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    try:
        return await task
    except asyncio.CancelledError:
        return 128 + received[0] if received else 1
