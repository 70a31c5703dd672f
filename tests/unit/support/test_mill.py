"""The harness itself: it waits for processes with a deadline, kills them for good, and leaves none behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.mill import Service


def _a_service(folder: Path, program: str, *, start_seconds: float = 20.0) -> Service:
    (folder / "program.py").write_text(program)
    environment = {"PYTHONPATH": str(folder)}
    return Service("program", "PROGRAM_LISTEN", environment, folder / "program.log", start_seconds=start_seconds)


LISTENING = """
import os, signal, socket, sys
host, port = os.environ["PROGRAM_LISTEN"].split(":")
listening = socket.create_server((host, int(port)))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print("says so", file=sys.stderr, flush=True)
print(f"ready {host}:{listening.getsockname()[1]}", flush=True)
signal.pause()
"""


def _answers(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as trying:
        return trying.connect_ex((host, int(port))) == 0


def test_a_killed_service_is_gone_and_comes_back_at_the_same_address(tmp_path: Path) -> None:
    service = _a_service(tmp_path, LISTENING)
    service.start()
    address = service.address

    service.kill()
    was_answered = _answers(address)
    service.start()

    assert (was_answered, service.address, _answers(address)) == (False, address, True)
    service.kill()
    assert service.log == ["says so"] * 2


def test_a_service_that_never_says_ready_fails_in_time_and_can_be_ended(tmp_path: Path) -> None:
    service = _a_service(tmp_path, "import signal\nsignal.sigwait({signal.SIGTERM})", start_seconds=0.1)

    with pytest.raises(AssertionError, match="did not start"):
        service.start()

    service.kill()
    assert not service.is_running


def test_a_service_that_ends_at_once_fails_with_what_it_said(tmp_path: Path) -> None:
    service = _a_service(tmp_path, "raise SystemExit('the disk is missing')")

    with pytest.raises(AssertionError, match="the disk is missing"):
        service.start()

    service.kill()


def test_a_service_that_is_asked_to_end_tells_how_it_ended(tmp_path: Path) -> None:
    service = _a_service(tmp_path, LISTENING)
    service.start()

    assert (service.is_running, service.stop(), service.is_running) == (True, 3, False)
