"""A process that we started: it says `ready`, it is stopped or killed, and it never stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from millrace_cli import failure

READY_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 8.0
_POLL_SECONDS = 0.01
_LOG_LINES_SHOWN = 12

_running: list[Child] = []


class ChildFailed(failure.VerbFailed):
    """A process did not start, or ended by itself; the message has the end of its log."""


class Child:
    """A Python process in a session of its own, so that Ctrl-C reaches us alone and we end it in order."""

    def __init__(self, name: str, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        # A file of its own, in which a second run on the same folder cannot write.
        file, path = tempfile.mkstemp(prefix=f"millrace-{name}-", suffix=".out")
        self.stdout = Path(path)
        with open(file, "wb") as out, self.log.open("ab") as log:
            self._log_begin = log.tell()
            self._process = _spawn(arguments, environment, out=out, log=log)
        _running.append(self)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self._process.poll() is not None

    async def ready(self) -> str:
        """What it says after `ready`: where it listens. Raises ChildFailed."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            line = self.stdout.read_text(errors="replace").partition("\n")
            if line[1] and line[0].startswith("ready "):
                return line[0].removeprefix("ready ").strip()
            if self.has_ended:
                raise self.failure("did not start")
            await asyncio.sleep(_POLL_SECONDS)
        raise self.failure(f"was not ready within {READY_SECONDS_MAX:.0f} s")

    def failure(self, what: str) -> ChildFailed:
        """The error that says what happened to it."""
        said = self.log.read_bytes()[self._log_begin :].decode(errors="replace")
        lines = said.splitlines()[-_LOG_LINES_SHOWN:]
        code = self._process.poll()
        ended = "" if code is None else f" (exit code {code})"
        return ChildFailed("\n".join([f"{self.name} {what}{ended}; the end of {self.log}:", *lines]))

    def kill(self) -> None:
        """SIGKILL, and gone, with what it printed."""
        self._process.kill()
        self._process.wait()
        self.stdout.unlink(missing_ok=True)
        with contextlib.suppress(ValueError):
            _running.remove(self)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that takes too long."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, STOP_SECONDS_MAX)
        self.kill()


def kill_all() -> None:
    """Kill whatever still runs."""
    while _running:
        _running[-1].kill()


def _spawn(
    arguments: Sequence[str], environment: Mapping[str, str], *, out: IO[bytes], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=log,
        start_new_session=True,
    )
