"""`millrace put`, `get` and `tail` as processes, against a real stream service."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import command, stream_process
from tests.support.command import Done

MIB = 1 << 20
ALL_BYTES = bytes(each for each in range(256) if each != 10)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with stream_process.running(tmp_path_factory.mktemp("records")) as found:
        yield found


class Stream:
    """A stream of its own for one test."""

    def __init__(self, address: str, *, shards: int) -> None:
        self.name = f"stream-{uuid.uuid4().hex}"
        self.environment = {"MILLRACE_STREAM_ADDRESS": address}
        create = ("stream", "create", self.name, "--shards", str(shards))
        assert command.invoke(*create, environment=self.environment).code == 0

    def millrace(self, *arguments: str, stdin: bytes = b"") -> Done:
        return command.run(*arguments, stdin=stdin, environment=self.environment)

    def put(self, *arguments: str, stdin: bytes = b"") -> Done:
        return self.millrace("put", self.name, *arguments, stdin=stdin)

    def get(self, *arguments: str) -> Done:
        return self.millrace("get", self.name, *arguments)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """What it has, read within this process."""
        done = command.invoke("get", self.name, "--output", "jsonl", *arguments, environment=self.environment)
        assert done.code == 0
        return [json.loads(line) for line in done.lines]


@pytest.fixture
def stream(address: str) -> Stream:
    return Stream(address, shards=3)


def test_arguments_are_put_and_their_places_shown(stream: Stream) -> None:
    done = stream.put("one", '{"total": 2}', "--key", "k", "--attribute", "a=b")

    rows = stream.rows()
    assert done.code == 0
    assert "2 records stored" in done.stderr
    assert [(row["data"], row["partition_key"], row["attributes"]) for row in rows] == [
        ("one", "k", {"a": "b"}),
        ('{"total": 2}', "k", {"a": "b"}),
    ]
    assert [line.split() for line in done.lines[1:]] == [
        [str(number), row["shard_id"], row["sequence_number"], "k"] for number, row in enumerate(rows, 1)
    ]


def test_lines_of_standard_input_are_put_as_they_are_and_come_back_unchanged(stream: Stream) -> None:
    lines = [ALL_BYTES, b"", b"text\r", "Å".encode(), b"\xff" * 100, b"last without an end"]

    done = stream.put("--key", "one", stdin=b"\n".join(lines))
    raw = stream.get("--format", "{data}")

    assert (done.code, done.stdout) == (0, b"")
    assert raw.stdout == b"\n".join(lines) + b"\n"
    assert [row["data_base64"] for row in stream.rows("--filter", "key=one") if "data_base64" in row][1] == (
        "/" * 133 + "w=="
    )


def test_records_in_json_can_be_put_into_another_stream_without_a_loss(stream: Stream, address: str) -> None:
    stream.put("--key-field", "id", "--attribute", "n=v", stdin=b"\n".join(b'{"id": %d}' % each for each in range(50)))
    stream.put(stdin=ALL_BYTES)
    other = Stream(address, shards=1)

    copied = other.put("--as", "records", stdin=stream.get("--output", "jsonl").stdout)

    def seen(rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
        return sorted(
            tuple(str(row.get(each)) for each in ("partition_key", "data", "data_base64", "attributes")) for row in rows
        )

    assert copied.code == 0
    assert seen(other.rows()) == seen(stream.rows())


def test_each_key_keeps_its_order_over_shards_and_lanes(stream: Stream, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"".join(b'{"k": "%d", "n": %d}\n' % (each % 17, each) for each in range(6_000)))

    done = stream.put("--file", str(file), "--key-field", "k", "--calls", "4")

    assert (done.code, "6,000 records stored" in done.stderr) == (0, True)
    by_key: dict[str, list[int]] = {}
    for row in stream.rows():
        by_key.setdefault(row["partition_key"], []).append(json.loads(row["data"])["n"])
    assert {key: numbers == list(range(int(key), 6_000, 17)) for key, numbers in by_key.items()} == {
        str(key): True for key in range(17)
    }


def test_without_keys_the_order_of_the_input_is_kept(address: str) -> None:
    one_shard = Stream(address, shards=1)
    lines = [str(number) for number in range(2_000)]

    one_shard.put(stdin="\n".join(lines).encode())

    assert one_shard.get("--format", "{data}").lines == lines


def test_a_whole_file_is_one_record(stream: Stream, tmp_path: Path) -> None:
    file = tmp_path / "cat.png"
    file.write_bytes(os.urandom(MIB - 100) + b"\n\n")

    assert stream.put("--as", "file", "--file", str(file), "--key", "cat").code == 0
    assert stream.get("--format", "{data}").stdout == file.read_bytes() + b"\n"


def test_what_cannot_be_stored_is_told_and_kept_and_the_rest_is_stored(stream: Stream, tmp_path: Path) -> None:
    failed = tmp_path / "failed.jsonl"
    lines = [b'{"id": 1}', b"nope", b'{"id": null}', b'{"id": "' + b"x" * MIB + b'"}', b'{"id": 2}']

    done = stream.put("--key-field", "id", "--failed-to", str(failed), stdin=b"\n".join(lines))

    kept = [json.loads(line) for line in failed.read_bytes().splitlines()]
    assert done.code == 6
    assert [row["partition_key"] for row in stream.rows()] == ["1", "2"]
    assert [(row["record"], row["reason"], row["may_be_stored"]) for row in kept] == [
        (2, "INVALID_ARGUMENT", False),
        (3, "INVALID_ARGUMENT", False),
        (4, "RECORD_TOO_LARGE", False),
    ]
    for part in ("2 records stored", "3 records not stored", "record 2: INVALID_ARGUMENT", str(failed)):
        assert part in done.stderr


def test_when_nothing_at_all_is_stored_it_is_refused(stream: Stream) -> None:
    assert stream.put("--as", "json", stdin=b"nope\n").code == 3


def test_an_empty_input_is_told_and_is_no_failure(stream: Stream) -> None:
    done = stream.put()

    assert (done.code, done.stdout) == (0, b"")
    assert "empty" in done.stderr
    assert json.loads(stream.put("--output", "json").stdout) == []


def test_rows_of_put_are_one_document_or_lines(stream: Stream) -> None:
    document = json.loads(stream.put("a", "b", "--output", "json").stdout)
    lines = [json.loads(line) for line in stream.put("--output", "jsonl", stdin=b"c\nd\n").lines]

    assert [sorted(row) for row in document + lines] == [["partition_key", "record", "sequence_number", "shard_id"]] * 4
    assert {row["sequence_number"] for row in document + lines} == {row["sequence_number"] for row in stream.rows()}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("x", "--file", "y"), "--file"),
        (("--file", "/nowhere/at/all"), "/nowhere/at/all"),
        (("x", "--key", "k" * 257), "257"),
        (("x", "--key", "a", "--key-field", "b"), "--key-field"),
        (("x", "--hash-key", "-1"), "explicit_hash_key"),
        (("x", "--attribute", "a"), "--attribute"),
        (("x", "--failed-to", "/nowhere/f"), "/nowhere/f"),
        (("x", "--retry-for", "long"), "--retry-for"),
    ],
)
def test_options_of_put_that_make_no_sense_store_nothing(stream: Stream, arguments: tuple[str, ...], word: str) -> None:
    done = command.invoke("put", stream.name, *arguments, environment=stream.environment)

    assert (done.code, done.stdout) == (2, b"")
    assert word in done.stderr
    assert stream.rows() == []


@pytest.mark.parametrize("verb", ["put", "get", "tail"])
def test_a_stream_that_is_not_there_is_told(stream: Stream, verb: str) -> None:
    done = stream.millrace(verb, "nobody-made-it", *(["x"] if verb == "put" else []), "--output", "json")

    assert (done.code, done.stdout) == (4, b"")
    assert "STREAM_NOT_FOUND" in done.stderr


def test_get_reads_from_a_place_a_shard_and_to_a_limit(stream: Stream) -> None:
    stream.put(*(f"r{each}" for each in range(20)))
    rows = stream.rows()

    fifth = rows[4]
    of_shard = [row for row in rows if row["shard_id"] == fifth["shard_id"]]
    assert [row["sequence_number"] for row in rows] == sorted(row["sequence_number"] for row in rows)
    assert stream.rows("--limit", "3") == rows[:3]
    assert stream.rows("--shard", str(int(fifth["shard_id"][-3:]))) == of_shard
    assert stream.rows("--from", fifth["sequence_number"]) == of_shard[of_shard.index(fifth) :]
    assert stream.rows("--from", "5m") == rows
    assert stream.rows("--from", rows[0]["time"]) == rows
    assert stream.rows("--filter", f"key={fifth['partition_key']}") == [fifth]
    assert stream.rows("--from", "latest") == []
    assert stream.get("--shard", "77").code == 4
    assert stream.get("--shard", "0", "--from", "0" * 29 + "1").code == 2
    assert stream.get("--from", "2999-01-01").code == 3


def test_get_merges_shards_by_arrival_whichever_shard_was_first(stream: Stream) -> None:
    hash_keys = ["0", str(2**128 - 1), str(2**127)]
    order = [hash_keys[index] for index in (1, 2, 0, 0, 2, 1)]
    for number, hash_key in enumerate(order):
        assert (
            command.invoke("put", stream.name, str(number), "--hash-key", hash_key, environment=stream.environment).code
            == 0
        )

    rows = stream.rows()

    assert [row["data"] for row in rows] == ["0", "1", "2", "3", "4", "5"]
    assert len({row["shard_id"] for row in rows}) == 3


def test_get_of_nothing_is_an_empty_document_and_says_so(stream: Stream) -> None:
    done = stream.get("--output", "json")

    assert (done.code, json.loads(done.stdout)) == (0, [])
    assert "no records" in done.stderr


def test_a_closed_pipe_ends_it_without_a_word(stream: Stream) -> None:
    stream.put(stdin=b"x" * 100_000 + b"\n" + (b"y" * 1_000 + b"\n") * 2_000)
    program = [sys.executable, "-c", command.PROGRAM, "get", stream.name]
    environment = {**os.environ, **stream.environment}

    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as get:
        assert get.stdout is not None
        assert get.stderr is not None
        get.stdout.readline()
        get.stdout.close()
        said = get.stderr.read()

    assert (get.returncode, said) == (141, b"")


def test_an_idle_tail_ends_when_its_reader_has_gone(stream: Stream) -> None:
    program = [sys.executable, "-c", command.PROGRAM, "tail", stream.name, "--from", "oldest"]
    environment = {**os.environ, **stream.environment}
    stream.put("one")

    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        tail.stdout.readline()
        tail.stdout.close()
        said = tail.stderr.read()

    assert (tail.returncode, said) == (141, b"")


def on_terminal(*arguments: str, environment: dict[str, str]) -> str:
    """What the command writes on a terminal."""
    mine, its = pty.openpty()
    program = [sys.executable, "-c", command.PROGRAM, *arguments]
    with subprocess.Popen(
        program, env={**os.environ, "TERM": "xterm", **environment}, stdin=subprocess.DEVNULL, stdout=its, stderr=its
    ) as process:
        os.close(its)
        written = b""
        # Linux says EIO at the end of a terminal.
        with contextlib.suppress(OSError):
            while chunk := os.read(mine, 65_536):
                written += chunk
        os.close(mine)
    assert process.returncode == 0
    return written.decode()


def test_a_terminal_shows_how_far_a_put_is_and_a_pipe_does_not(stream: Stream, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"line\n" * 5_000)

    shown = on_terminal("put", stream.name, "--file", str(file), environment=stream.environment)
    plain = on_terminal("put", stream.name, "--file", str(file), environment={**stream.environment, "NO_COLOR": "1"})
    piped = stream.put("--file", str(file))

    assert "records stored, " in shown
    assert "100%" in shown
    assert re.search(r"\x1b\[3\dm", shown)
    assert "100%" in plain
    assert not re.search(r"\x1b\[[0-9;]*3\dm", plain)
    assert re.fullmatch(r"5,000 records stored in [0-9.]+ s, [0-9,]+ a second\n", piped.stderr)


def test_data_cannot_steer_a_terminal_and_is_untouched_in_a_pipe(stream: Stream) -> None:
    data = b"\x1b[31mred\x07\xff"
    stream.put(stdin=data)

    shown = on_terminal("get", stream.name, "--format", "{data}", environment=stream.environment)

    assert shown.splitlines() == ["\\x1b[31mred\\x07\\xff"]
    assert stream.get("--format", "{data}").stdout == data + b"\n"


def test_tail_follows_all_shards_until_it_is_interrupted(stream: Stream) -> None:
    with command.running(
        "tail", stream.name, "--from", "oldest", "--format", "{data}", environment=stream.environment
    ) as tail:
        assert tail.process.stdout is not None
        seen: set[str] = set()
        for batch in range(3):
            stream.put(*(f"{batch}-{each}" for each in range(10)))
            while len(seen) < 10 * (batch + 1):
                seen.add(tail.process.stdout.readline().strip())
        tail.process.send_signal(signal.SIGINT)
        rest, said = tail.process.communicate(timeout=20)

    assert seen == {f"{batch}-{each}" for batch in range(3) for each in range(10)}
    assert (tail.process.returncode, rest, said) == (130, "", "")


def test_an_interrupted_tail_has_written_a_whole_document(stream: Stream) -> None:
    with command.running(
        "tail", stream.name, "--from", "oldest", "--output", "json", environment=stream.environment
    ) as tail:
        assert tail.process.stdout is not None
        stream.put("one", "--key", "k")
        begun = tail.process.stdout.readline() + tail.process.stdout.read(1)
        tail.process.send_signal(signal.SIGTERM)
        rest = tail.process.stdout.read()
        tail.process.wait(20)

    assert [row["data"] for row in json.loads(begun + rest)] == ["one"]
    assert tail.process.returncode == 143


def test_tail_counts_and_filters(stream: Stream) -> None:
    stream.put(*(json.dumps({"n": each}) for each in range(30)), "--key", "k")

    done = stream.millrace(
        "tail", stream.name, "--from", "oldest", "--filter", "n=?", "--count", "4", "--format", "{n}"
    )

    assert (done.code, done.lines) == (0, ["0", "1", "2", "3"])


def test_an_interrupted_put_tells_how_far_it_came(stream: Stream, tmp_path: Path) -> None:
    program = [sys.executable, "-c", command.PROGRAM, "put", stream.name, "--output", "jsonl"]
    environment = {**os.environ, **stream.environment}

    with subprocess.Popen(
        program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as put:
        assert put.stdin is not None
        assert put.stderr is not None
        put.stdin.write(b"one\ntwo\n")
        put.stdin.flush()
        while len(stream.rows()) < 2:
            pass
        put.send_signal(signal.SIGINT)
        said = put.stderr.read().decode()

    assert put.returncode == 130
    assert "2 records stored" in said
    assert "interrupted after 2 records" in said
