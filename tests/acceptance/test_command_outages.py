"""`millrace put` and `millrace tail` while the stream service is away, while shards change, and with a huge input."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from millrace.stream.v1 import stream_service_pb2 as pb
from millrace.stream.v1 import stream_service_pb2_grpc

from tests.support import command, scale
from tests.support.mill import Service

MIB = 1 << 20
STREAM = "orders"


class Mill:
    """A stream service with one stream, and the command for it."""

    def __init__(self, folder: Path) -> None:
        url = {"MILLRACE_STREAM_DATABASE_URL": f"sqlite:///{folder / 'stream.db'}"}
        self.service = Service("stream_service", "MILLRACE_STREAM_LISTEN", url, folder / "stream.log")
        self.service.start()
        self.environment = {"MILLRACE_STREAM_ADDRESS": self.service.address}
        assert self.millrace("stream", "create", STREAM).code == 0

    def millrace(self, *arguments: str) -> command.Done:
        return command.invoke(*arguments, environment=self.environment)

    def data(self) -> list[str]:
        """What the stream has, in order."""
        done = self.millrace("get", STREAM, "--format", "{data}")
        assert done.code == 0
        return done.lines

    def call(self, name: str, request: Any) -> Any:
        with grpc.insecure_channel(self.service.address) as channel:
            stub: Any = stream_service_pb2_grpc.StreamServiceStub(channel)  # type: ignore[no-untyped-call]
            return getattr(stub, name)(request, timeout=10, wait_for_ready=True)

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """The command with pipes at all its ends."""
        program = [sys.executable, "-c", command.PROGRAM, *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(program, env={**os.environ, **self.environment}, **pipes) as process:  # type: ignore[call-overload]
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    one = Mill(tmp_path)
    yield one
    one.service.kill()


def feed(process: subprocess.Popen[bytes], numbers: range) -> None:
    assert process.stdin is not None
    process.stdin.write(b"".join(b"%d\n" % number for number in numbers))
    process.stdin.flush()


def read_rows(process: subprocess.Popen[bytes], count: int) -> list[Any]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def test_put_goes_on_after_a_kill_and_stores_each_record_once_in_order(mill: Mill) -> None:
    with mill.started("put", STREAM, "--output", "jsonl") as put:
        feed(put, range(3_000))
        read_rows(put, 1)
        mill.service.kill()
        feed(put, range(3_000, 4_000))
        mill.service.start()
        _, said = put.communicate(timeout=60)

    assert (put.returncode, "4,000 records stored" in said.decode()) == (0, True)
    assert mill.data() == [str(number) for number in range(4_000)]


def test_a_put_that_gives_up_keeps_every_record_that_is_not_stored(mill: Mill, tmp_path: Path) -> None:
    failed = tmp_path / "failed.jsonl"
    with mill.started("put", STREAM, "--output", "jsonl", "--retry-for", "4s", "--failed-to", str(failed)) as put:
        feed(put, range(10))
        read_rows(put, 10)
        mill.service.kill()
        feed(put, range(10, 2_000))
        _, said = put.communicate(timeout=60)
    mill.service.start()

    kept = [json.loads(line) for line in failed.read_text().splitlines()]
    assert put.returncode == 6
    assert "nothing answers at" in said.decode()
    assert [row["data"] for row in kept] == [str(number) for number in range(10, 2_000)]
    assert mill.millrace("put", STREAM, "--as", "records", "--file", str(failed)).code == 0
    assert mill.data() == [str(number) for number in range(2_000)]


def test_tail_goes_on_after_a_restart_and_shows_each_record_once(mill: Mill) -> None:
    with mill.started("tail", STREAM, "--from", "oldest", "--output", "jsonl", "--count", "4") as tail:
        mill.millrace("put", STREAM, "a", "b")
        seen = read_rows(tail, 2)
        mill.service.kill()
        assert tail.stderr is not None
        lost = tail.stderr.readline().decode()
        mill.service.start()
        back = tail.stderr.readline().decode()
        mill.millrace("put", STREAM, "c", "d")
        seen += read_rows(tail, 2)
        tail.wait(30)

    assert "does not answer" in lost
    assert "answers again" in back
    assert (tail.returncode, [row["data"] for row in seen]) == (0, ["a", "b", "c", "d"])


def test_a_tail_ends_when_its_stream_is_deleted(mill: Mill) -> None:
    with mill.started("tail", STREAM, "--from", "oldest", "--output", "jsonl") as tail:
        mill.millrace("put", STREAM, "a")
        read_rows(tail, 1)
        mill.millrace("stream", "delete", STREAM, "--yes")
        mill.millrace("stream", "create", STREAM)
        _, said = tail.communicate(timeout=40)

    assert tail.returncode == 4
    assert "STREAM_NOT_FOUND" in said.decode()


def test_tail_and_get_follow_a_split_and_a_merge_in_the_order_of_each_key(mill: Mill) -> None:
    shard = "shardId-{:012d}".format
    with mill.started("tail", STREAM, "--from", "oldest", "--output", "jsonl") as tail:
        put = ("put", STREAM, "--key-field", "key")
        numbered = [[json.dumps({"key": f"k{key}", "n": 3 * key + part}) for key in range(20)] for part in range(3)]
        mill.millrace(*put, *numbered[0])
        seen = read_rows(tail, 20)
        split = pb.SplitShardRequest(stream_name=STREAM, shard_id=shard(0), new_starting_hash_key=str(2**127))
        mill.call("SplitShard", split)
        mill.millrace(*put, *numbered[1])
        seen += read_rows(tail, 20)
        mill.call(
            "MergeShards", pb.MergeShardsRequest(stream_name=STREAM, shard_id=shard(1), adjacent_shard_id=shard(2))
        )
        mill.millrace(*put, *numbered[2])
        seen += read_rows(tail, 20)

    by_key: dict[str, list[int]] = {}
    for row in seen:
        by_key.setdefault(row["partition_key"], []).append(json.loads(row["data"])["n"])
    assert {row["shard_id"] for row in seen} == {shard(index) for index in range(4)}
    assert by_key == {f"k{key}": [3 * key + part for part in range(3)] for key in range(20)}
    assert sorted(mill.data()) == sorted(each for part in numbered for each in part)


# Of the process itself: what the kernel tells its parent includes the parent's own memory from before the exec.
TELLS_ITS_PEAK = """
import os, pathlib
from millrace_cli import main
from tests.support import proc
try:
    main.main()
finally:
    pathlib.Path("{peak}").write_text(str(proc.peak_bytes(os.getpid())))
"""


@pytest.mark.parametrize("line", [b"x" * 1_000 + b"\n", b"x" * 1_000_000], ids=["many lines", "one endless line"])
def test_a_huge_input_is_put_in_little_memory(mill: Mill, tmp_path: Path, line: bytes) -> None:
    megabytes = scale.choose(small=64, full=512)
    file = tmp_path / "huge"
    with file.open("wb") as out:
        for _ in range(megabytes):
            out.write(line * (MIB // len(line)))

    peak = tmp_path / "peak"
    program = [sys.executable, "-c", TELLS_ITS_PEAK.format(peak=peak), "put", STREAM, "--file", str(file)]
    done = subprocess.run(program, env={**os.environ, **mill.environment}, stderr=subprocess.DEVNULL, check=False)

    assert done.returncode == (0 if b"\n" in line else 3)
    assert int(peak.read_text()) < 160 * MIB
