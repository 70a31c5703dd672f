"""Real processes for acceptance tests: both services and a recording handler, killed and started again at will."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.support import history

START_SECONDS = 30.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.005


class Service:
    """A process that prints `ready HOST:PORT`; started again it listens on the same port."""

    def __init__(
        self,
        module: str,
        listen_variable: str,
        environment: dict[str, str],
        log: Path,
        *,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._start_seconds = start_seconds
        self._module = module
        self._listen_variable = listen_variable
        self.environment = environment
        """Its settings at the next start."""
        self._log = log
        self._listen = "127.0.0.1:0"
        self._child: subprocess.Popen[str] | None = None
        self.address = ""

    def start(self) -> None:
        """Start and wait until it is ready."""
        listen = {self._listen_variable: self._listen}
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", self._module],
                env={**os.environ, **self.environment, **listen},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = self._first_line(self._child).split()
        assert line[:1] == ["ready"], f"{self._module} did not start: {self._log.read_text()[-2000:]}"
        self.address = self._listen = line[1]

    def _first_line(self, child: subprocess.Popen[str]) -> str:
        """The first line that it prints, or nothing where it prints none in time."""
        assert child.stdout is not None
        has_printed, _, _ = select.select([child.stdout], [], [], self._start_seconds)
        return child.stdout.readline() if has_printed else ""

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._child is not None
        return self._child.pid

    async def ended(self, *, seconds: float = 60.0) -> int:
        """Wait until it ends by itself; its exit code."""
        child = self._child
        assert child is not None
        await until(lambda: child.poll() is not None, f"{self._module} ends", seconds=seconds)
        return self._end(signal.SIGKILL)

    @property
    def log(self) -> list[str]:
        """The lines of its log, over all its lives."""
        return self._log.read_text().splitlines()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, and go on."""
        assert self._child is not None
        self._child.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        if self._child is None:
            return 0
        child, self._child = self._child, None
        if child.poll() is None:
            child.send_signal(number)
        try:
            return child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()
        finally:
            assert child.stdout is not None
            child.stdout.close()


class Mill:
    """Both services and a handler in one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        stream_address: str = "",
        stream_disk: Path | None = None,
        mapping_disk: Path | None = None,
        stream_settings: dict[str, str] | None = None,
        clock: Path | None = None,
        **handler: str,
    ) -> None:
        """`handler` are settings of tests/support/recording_handler.py, in lower case.

        `stream_address` is where the mapping service finds the stream service, when not there itself. The disks are
        where the databases lie when not in the folder; the settings are variables of the stream service. The clock
        is a file of tests/support/clocked.py, for both services.
        """
        self.folder = folder
        self._mapping_disk = mapping_disk or folder
        self._stream_address = stream_address
        self.history = history.HandlerLog(folder / "handler.jsonl")
        stream = {"MILLRACE_STREAM_DATABASE_URL": f"sqlite:///{(stream_disk or folder) / 'stream.db'}"}
        stream |= stream_settings or {}
        self._clock = clock
        self.stream = self._service("stream", stream)
        recording = {"RECORDING_LOG": str(self.history.path)}
        recording |= {f"RECORDING_{name.upper()}": value for name, value in handler.items()}
        module = "tests.support.recording_handler"
        self.handler = Service(module, "RECORDING_LISTEN", recording, folder / "recording.log")
        self.mapping: Service

    def _service(self, name: str, environment: dict[str, str]) -> Service:
        module, listen, log = f"{name}_service", f"MILLRACE_{name.upper()}_LISTEN", self.folder / f"{name}.log"
        if self._clock is None:
            return Service(module, listen, environment, log)
        clocked = {"CLOCKED_MODULE": module, "CLOCKED_FILE": str(self._clock)}
        return Service("tests.support.clocked", listen, environment | clocked, log)

    def start(self) -> None:
        """Start all three."""
        self.stream.start()
        self.handler.start()
        environment = {
            "MILLRACE_MAPPING_DATABASE_URL": f"sqlite:///{self._mapping_disk / 'mapping.db'}",
            "MILLRACE_MAPPING_STREAM_SERVICE": self._stream_address or self.stream.address,
        }
        self.mapping = self._service("mapping", environment)
        self.mapping.start()

    def end(self) -> None:
        """End whatever runs."""
        for service in (getattr(self, "mapping", None), self.handler, self.stream):
            if service is not None:
                service.kill()


@contextlib.asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Mill]:
    """All three processes for the length of the block; see Mill for the settings."""
    mill = Mill(folder, **settings)
    try:
        await asyncio.to_thread(mill.start)
        yield mill
    finally:
        await asyncio.to_thread(mill.end)


async def until(condition: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    """Look again and again until a condition across processes holds; fails with `what` after a while."""
    deadline = time.monotonic() + seconds
    looked = asyncio.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(looked.wait(), LOOK_SECONDS)


async def a_moment(seconds: float) -> None:
    """Let a moment pass that a seed has chosen: when something is done to the processes, not what is waited for."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)
