"""A disk that fails and a process that is killed, both in the middle of a sync, in a real process under strace."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import power_cut, power_cut_notes

pytestmark = pytest.mark.skipif(power_cut.STRACE is None, reason="strace is not installed")

WORDS = 200


def run_with(folder: Path, injected: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    assert power_cut.STRACE is not None
    strace = [power_cut.STRACE, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", f"inject={injected}"]
    program = [sys.executable, "-m", "tests.support.power_cut_notes", str(folder), str(WORDS), "FULL"]
    return subprocess.run([*strace, *program], capture_output=True, text=True, timeout=60, check=False)


def acknowledged(ran: subprocess.CompletedProcess[str]) -> set[str]:
    return set(re.findall(r"ack (\S+)\n", ran.stdout))


@pytest.mark.parametrize("when", [12, 17, 31])
def test_decision_1_a_failed_sync_ends_the_process_and_nothing_more_is_acknowledged(tmp_path: Path, when: int) -> None:
    ran = run_with(tmp_path / "run", f"fdatasync:error=EIO:when={when}+")

    assert ran.returncode not in (0, None)
    assert "SQLITE_IOERR" in ran.stderr
    assert len(acknowledged(ran)) < WORDS
    assert acknowledged(ran) <= power_cut_notes.stored(tmp_path / "run")


@pytest.mark.parametrize("when", [12, 17, 31])
def test_a_kill_in_the_middle_of_a_sync_loses_nothing_acknowledged(tmp_path: Path, when: int) -> None:
    ran = run_with(tmp_path / "run", f"fdatasync:signal=KILL:when={when}")

    assert 0 < len(acknowledged(ran)) < WORDS
    assert acknowledged(ran) <= power_cut_notes.stored(tmp_path / "run")
