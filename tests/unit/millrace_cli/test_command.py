from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"grpc", "google", "rich", "millrace", "millrace_sdk", "asyncio"}


def millrace(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command, and say last on stderr what it imported."""
    program = f"""
import atexit, sys
atexit.register(lambda: sys.stderr.write("\\n" + " ".join(sorted({HEAVY!r} & set(sys.modules)))))
from millrace_cli import main
sys.argv = ["millrace", *{arguments!r}]
main.main()
"""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


HELPS = [
    ("--help",),
    *((verb, "--help") for verb in ("demo", "dev", "put", "tail", "stream")),
    ("stream", "create", "--help"),
]


@pytest.mark.parametrize("arguments", HELPS)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    done = millrace(*arguments)

    assert done.returncode == 0
    assert "Usage: millrace" in done.stdout
    assert done.stderr.splitlines()[-1:] in ([], [""])


def test_what_is_imported_is_seen() -> None:
    assert "asyncio" in millrace("context", "list").stderr.splitlines()[-1]


def test_without_a_verb_it_shows_its_verbs() -> None:
    done = millrace()

    assert "demo" in done.stdout + done.stderr
    assert "dev" in done.stdout + done.stderr


def test_an_unknown_output_is_refused() -> None:
    assert millrace("demo", "--output", "xml").returncode == 2
