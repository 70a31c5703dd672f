"""The processes of a row: both services, the floor server and the sink, each fresh, each ended by its id."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CLOCK_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
STOP_TIMEOUT_SECONDS = 20.0


class Process:
    """A child that says `ready HOST:PORT` on its first line."""

    def __init__(self, module: str, environment: dict[str, str], log: Path) -> None:
        self._log = log.open("wb")
        self._child = subprocess.Popen(
            [sys.executable, "-m", module],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._child.stdout is not None
        line = self._child.stdout.readline().split()
        if len(line) != 2 or line[0] != "ready":
            self.stop()
            raise RuntimeError(f"{module} did not start:\n{log.read_text()[-2000:]}")
        self.address = line[1]

    def peak_bytes(self) -> int:
        """Most memory that the process ever had resident."""
        for line in Path(f"/proc/{self._child.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def resident_bytes(self) -> int:
        """Memory that the process has resident now."""
        fields = Path(f"/proc/{self._child.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_A_SECOND

    def stop(self) -> None:
        """End the process and wait for it."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._log.close()


class Stack:
    """Both services on fresh databases, a floor server and a sink."""

    def __init__(self, folder: Path, *, mapping: bool, settings: dict[str, str]) -> None:
        self._folder = folder
        self._all: list[Process] = []
        settings = {"MILLRACE_STREAM_DATABASE_URL": self._url("stream"), **settings}
        self.stream = self._start("stream_service", "stream", settings)
        self.floor = self._start("benchmarks.floor_server", "floor", {})
        self.sink = self._start("benchmarks.sink", "sink", {})
        self.mapping = self._start_mapping() if mapping else None

    def _url(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}.db"

    def _start_mapping(self) -> Process:
        environment = {
            "MILLRACE_MAPPING_DATABASE_URL": self._url("mapping"),
            "MILLRACE_MAPPING_STREAM_SERVICE": self.stream.address,
        }
        return self._start("mapping_service", "mapping", environment)

    def _start(self, module: str, name: str, environment: dict[str, str]) -> Process:
        listen = {"MILLRACE_STREAM_LISTEN": "127.0.0.1:0", "MILLRACE_MAPPING_LISTEN": "127.0.0.1:0"}
        process = Process(module, {**listen, **environment}, self._folder / f"{name}.log")
        self._all.append(process)
        return process

    def peak_bytes(self) -> dict[str, int]:
        """Peak memory of each service."""
        peaks = {"stream_service": self.stream.peak_bytes()}
        return peaks | ({"mapping_service": self.mapping.peak_bytes()} if self.mapping else {})

    def stop(self) -> None:
        """End all, the newest first."""
        while self._all:
            self._all.pop().stop()


@contextlib.contextmanager
def running(*, mapping: bool = False, settings: dict[str, str] | None = None) -> Iterator[Stack]:
    """A fresh stack in a temporary folder, gone afterwards; `settings` are more of the stream service."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        stack = None
        try:
            stack = Stack(Path(name), mapping=mapping, settings=settings or {})
            yield stack
        finally:
            if stack is not None:
                stack.stop()
