"""`millrace health` against processes that serve, that do not, and that come up while it waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import command, verbs
from tests.support.mill import Mill
from tests.support.verbs import Verbs

UNAVAILABLE = 5


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    mill = Mill(tmp_path_factory.mktemp("health"))
    try:
        mill.start()
        yield mill
    finally:
        mill.end()


def test_both_serve(mill: Mill) -> None:
    found = Verbs(mill).json("health")

    assert [(each["service"], each["status"]) for each in found] == [("stream", "SERVING"), ("mapping", "SERVING")]
    assert [each["address"] for each in found] == [mill.stream.address, mill.mapping.address]


def test_one_service_or_one_address_is_asked_alone(mill: Mill) -> None:
    assert [each["service"] for each in Verbs(mill).json("health", "--service", "mapping")] == ["mapping"]

    done = verbs.run("health", "--address", mill.stream.address)

    assert done.returncode == 0
    assert done.stdout.startswith(f"SERVING {mill.stream.address} ")


def test_one_that_is_away_makes_the_exit_code_5(mill: Mill) -> None:
    done = verbs.run(
        "health",
        "--stream-address",
        mill.stream.address,
        "--mapping-address",
        "127.0.0.1:1",
        "--output",
        "json",
    )

    assert done.returncode == UNAVAILABLE
    found = {each["service"]: each["status"] for each in json.loads(done.stdout)}
    assert found == {"stream": "SERVING", "mapping": "UNREACHABLE"}


def test_a_handler_without_health_is_told_from_one_that_is_away(mill: Mill) -> None:
    done = verbs.run("health", "--address", mill.handler.address)

    assert done.returncode == UNAVAILABLE
    assert "does not serve grpc.health.v1.Health" in done.stdout


def test_it_waits_for_a_service_that_comes_up(tmp_path: Path) -> None:
    mill = Mill(tmp_path)
    try:
        mill.stream.start()
        address = mill.stream.address
        mill.stream.stop()
        with command.running("health", "--address", address, "--wait", "60") as waiting:
            mill.stream.start()
            out, _ = waiting.process.communicate(timeout=60)
    finally:
        mill.stream.kill()

    assert waiting.process.returncode == 0
    assert out.startswith("SERVING")


def test_it_stops_waiting(tmp_path: Path) -> None:
    done = verbs.run("health", "--address", "127.0.0.1:1", "--wait", "0.3")

    assert done.returncode == UNAVAILABLE
    assert done.stdout.startswith("UNREACHABLE")


@pytest.mark.parametrize("arguments", [("--address", "nowhere"), ("--service", "other"), ("--wait", "-1")])
def test_what_makes_no_sense_is_refused_before_anything_is_asked(arguments: tuple[str, str]) -> None:
    done = verbs.run("health", *arguments)

    assert done.returncode == 2
    assert arguments[0] in done.stderr
