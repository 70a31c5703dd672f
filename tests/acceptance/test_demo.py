"""`millrace demo` and `millrace dev` as a newcomer runs them: real processes, a real crash, nothing left behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import command

CLONE = Path(__file__).parents[2]
FREE_PORTS = ("--stream-port", "0", "--mapping-port", "0", "--handler-port", "0")

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")


def test_the_demo_loses_nothing_and_keeps_the_order_through_the_crash() -> None:
    with command.running("demo", "--output", "json") as demo:
        stdout, stderr = demo.process.communicate(timeout=100)
        left = demo.descendants()

    result = json.loads(stdout)
    assert (demo.process.returncode, stderr, left) == (0, "", [])
    assert (result["records_put"], result["records_delivered"]) == (1707, 1707)
    assert (result["records_lost"], result["out_of_order"], result["is_good"]) == (0, 0, True)
    assert result["killed_at_count"] >= 850
    assert result["calls_in_handler_when_killed"] >= 1
    assert result["records_redelivered"] >= 1
    without, with_outage = (result["put_to_handler"][which] for which in ("without_outage", "with_outage"))
    assert 0 < without["median_millis"] <= without["percentile_99_millis"] <= with_outage["percentile_99_millis"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_process_and_no_folder(number: signal.Signals, tmp_path: Path) -> None:
    with command.running("demo", environment={"TMPDIR": str(tmp_path)}) as demo:
        assert demo.process.stdout is not None
        for line in demo.process.stdout:
            if "strongest" in line:
                break
        assert len(demo.descendants()) == 3
        demo.process.send_signal(number)
        demo.process.communicate(timeout=30)

        assert demo.process.returncode == 128 + number
        assert demo.descendants() == []
    assert list(tmp_path.iterdir()) == []


def test_dev_stays_keeps_its_data_and_delivers_what_is_put(tmp_path: Path) -> None:
    counted = []
    for _ in range(2):
        with command.running("dev", "--data", str(tmp_path / "data"), *FREE_PORTS) as dev:
            assert dev.process.stdout is not None
            service = dev.process.stdout.readline().split()[1]
            put = [sys.executable, str(CLONE / "examples" / "put_earthquakes.py"), "--service", service]
            subprocess.run([*put, "--rate", "10000"], check=True, stdout=subprocess.DEVNULL)
            for line in dev.process.stdout:
                if line.split()[:2] == ["1707", "events;"]:
                    break
            dev.process.terminate()
            rest, _ = dev.process.communicate(timeout=30)
            counted.append("1707 events" in line and "strongest" not in rest)
            assert (dev.process.returncode, dev.descendants()) == (128 + signal.SIGTERM, [])

    assert counted == [True, True]


def test_dev_says_which_port_is_taken_and_how_to_choose_another(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with command.running("dev", "--data", str(tmp_path), *FREE_PORTS[2:], "--stream-port", str(port)) as dev:
            _, stderr = dev.process.communicate(timeout=30)

    assert dev.process.returncode == 1
    assert stderr.startswith(f"port {port} is taken")
    assert "--stream-port" in stderr


def test_dev_on_data_that_is_in_use_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with command.running("dev", "--data", str(tmp_path), *FREE_PORTS) as first:
        assert first.process.stdout is not None
        first.process.stdout.readline()
        with command.running("dev", "--data", str(tmp_path), *FREE_PORTS) as second:
            _, stderr = second.process.communicate(timeout=60)

            assert second.process.returncode == 1
            assert stderr.startswith("stream_service did not start")
            assert "is in use by process" in stderr
            assert second.descendants() == []
        first.process.terminate()
        first.process.communicate(timeout=30)
