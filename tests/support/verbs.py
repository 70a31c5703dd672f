"""Runs the `millrace` command to its end against services of a test."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from millrace_cli import main

from tests.support.command import PROGRAM
from tests.support.mill import Mill

TIMEOUT_SECONDS = 60.0


class Verbs:
    """The command with the addresses of two services in its environment."""

    def __init__(self, mill: Mill) -> None:
        self._mill = mill

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end in this process: starting another takes ten times as long as the verb."""
        out, err = _captured(), _captured()
        with environment(**self._environment()), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            with pytest.raises(SystemExit) as ended:
                main.app(list(arguments))
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return subprocess.CompletedProcess(arguments, code or 0, _text(out), _text(err))

    def process(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a verb to its end in a process of its own, as users do."""
        return run(*arguments, stdin=stdin, **self._environment())

    def json(self, *arguments: str) -> Any:
        """What a verb that must succeed prints with --output json."""
        done = self.run(*arguments, "--output", "json")
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    def _environment(self) -> dict[str, str]:
        return {
            "MILLRACE_STREAM_ADDRESS": self._mill.stream.address,
            "MILLRACE_MAPPING_ADDRESS": self._mill.mapping.address,
            "MILLRACE_CONFIG": str(self._mill.folder / "contexts.json"),
        }


def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end with these variables in its environment."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """These variables for the length of the block."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _captured() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def _text(captured: io.TextIOWrapper) -> str:
    captured.flush()
    captured.seek(0)
    return captured.read()
