"""`millrace bench` against a real service: it counts what it does and leaves nothing behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import command, verbs
from tests.support.mill import Mill


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    """A stream service alone."""
    mill = Mill(tmp_path)
    try:
        mill.stream.start()
        yield mill
    finally:
        mill.end()


def test_it_stores_reads_back_and_leaves_nothing(mill: Mill) -> None:
    address = ("--stream-address", mill.stream.address)

    done = verbs.run("bench", "--seconds", "0.2", "--size", "100", "--batch", "10", "--output", "json", *address)

    assert done.returncode == 0, done.stderr
    put, got = json.loads(done.stdout)
    assert (put["operation"], got["operation"]) == ("put", "get")
    assert put["records"] == got["records"] == 10 * put["calls"]
    assert put["records"] > 0
    assert 0 < put["p50_millis"] <= put["p99_millis"] <= put["max_millis"]
    assert put["seconds"] >= 0.2
    assert json.loads(verbs.run("stream", "list", "--output", "json", *address).stdout) == []


def test_interrupted_it_still_deletes_its_stream(mill: Mill) -> None:
    address = ("--stream-address", mill.stream.address)
    with command.running("bench", "--seconds", "60", *address) as benching:
        assert benching.process.stderr is not None
        assert benching.process.stderr.readline().startswith("putting records of 1 KiB")
        benching.process.send_signal(signal.SIGINT)
        assert benching.process.wait(30) == 130

    assert json.loads(verbs.run("stream", "list", "--output", "json", *address).stdout) == []


def test_a_service_that_is_away_is_told_as_that() -> None:
    done = verbs.run("bench", "--stream-address", "127.0.0.1:1")

    assert (done.returncode, done.stdout) == (5, "")
    assert "nothing answers at 127.0.0.1:1" in done.stderr
