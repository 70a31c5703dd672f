"""Runs the `millrace` command to its end against services of a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.support.command import PROGRAM
from tests.support.mill import Mill

TIMEOUT_SECONDS = 60.0


class Verbs:
    """The command with the addresses of two services in its environment."""

    def __init__(self, mill: Mill) -> None:
        self._mill = mill

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        addresses = {
            "MILLRACE_STREAM_ADDRESS": self._mill.stream.address,
            "MILLRACE_MAPPING_ADDRESS": self._mill.mapping.address,
            "MILLRACE_CONFIG": str(self._mill.folder / "contexts.json"),
        }
        return run(*arguments, stdin=stdin, **addresses)

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """What a verb that must succeed prints with --output json."""
        done = self.run(*arguments, "--output", "json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


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
