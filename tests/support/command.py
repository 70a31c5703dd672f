"""The `millrace` command as a process, marked so that whatever it starts can be found again."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from millrace_cli import main
from typer import testing

MARK = "MILLRACE_TEST_MARK"
PROGRAM = "from millrace_cli import main; main.main()"


@dataclass(frozen=True, slots=True)
class Command:
    """One run of it."""

    process: subprocess.Popen[str]
    mark: str

    def descendants(self) -> list[str]:
        """Command lines of the processes that it started and that still are there."""
        return [line for pid, line in _marked(self.mark) if pid != self.process.pid]


@contextlib.contextmanager
def running(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[Command]:
    """Start it; afterwards it is ended, and whatever it left."""
    mark = uuid.uuid4().hex
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, **(environment or {}), MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Command(process, mark)
        finally:
            process.kill()
            for pid, _ in _marked(mark):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)


def _marked(mark: str) -> list[tuple[int, str]]:
    """Live processes whose environment has the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append((int(folder.name), line))
        except OSError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def lines(self) -> list[str]:
        """Standard output as lines of text."""
        return self.stdout.decode().splitlines()


def run(*arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None) -> Done:
    """Run it to its end."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        input=stdin,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr.decode())


def invoke(*arguments: str, environment: dict[str, str] | None = None) -> Done:
    """The same in this process: quicker, for what a process of its own adds nothing to."""
    done = testing.CliRunner().invoke(main.app, arguments, env=environment)
    return Done(done.exit_code, done.stdout_bytes, done.stderr)
