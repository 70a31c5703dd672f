"""`millrace context` and `millrace stream` as processes, against a real stream service."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import command, stream_process
from tests.support.command import Done


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with stream_process.running(tmp_path_factory.mktemp("streams")) as found:
        yield found


@pytest.fixture
def environment(address: str, tmp_path: Path) -> dict[str, str]:
    return {"MILLRACE_STREAM_ADDRESS": address, "XDG_CONFIG_HOME": str(tmp_path), "MILLRACE_CONFIG": ""}


def test_a_stream_is_created_listed_described_and_deleted(environment: dict[str, str]) -> None:
    def run(*arguments: str) -> Done:
        return command.invoke("stream", *arguments, environment=environment)

    created = run("create", "life", "--shards", "2", "--retention", "36h", "--tag", "team=sales", "--output", "json")
    described = run("describe", "life", "--output", "json")
    listed = run("list", "--output", "jsonl")
    table = command.run("stream", "list", environment=environment)
    deleted = run("delete", "life", "--yes")
    gone = run("describe", "life")

    stream = json.loads(created.stdout)
    assert (created.code, stream["stream_name"], stream["open_shard_count"]) == (0, "life", 2)
    assert (stream["retention_period"], stream["tags"]) == ("129600s", {"team": "sales"})
    assert json.loads(described.stdout)["stream"] == stream
    assert stream in [json.loads(line) for line in listed.lines]
    assert table.lines[0].split() == ["STREAM", "STATUS", "OPEN", "SHARDS", "RETENTION", "CREATED"]
    assert any(line.split()[:4] == ["life", "ACTIVE", "2", "36h"] for line in table.lines)
    assert (deleted.code, deleted.stdout) == (0, b"")
    assert (gone.code, gone.stdout) == (4, b"")
    for part in ("'life' not found", "reason STREAM_NOT_FOUND", "request id", "millrace errors STREAM_NOT_FOUND"):
        assert part in gone.stderr


def test_shards_are_shown_with_their_hash_keys(environment: dict[str, str]) -> None:
    command.invoke("stream", "create", "halves", "--shards", "2", environment=environment)

    table = command.invoke("stream", "shards", "halves", environment=environment)
    rows = command.invoke("stream", "shards", "halves", "--traffic", "--output", "jsonl", environment=environment)

    low, high = "█" * 12 + "·" * 12, "·" * 12 + "█" * 12
    assert table.lines[1].split() == ["shardId-000000000000", "open", "0", str(2**127 - 1), "50.0%", low]
    assert table.lines[2].split() == ["shardId-000000000001", "open", str(2**127), str(2**128 - 1), "50.0%", high]
    assert [json.loads(line)["traffic"]["record_count"] for line in rows.lines] == ["0", "0"]


def test_bad_input_is_told_with_field_value_and_limit_and_creates_nothing(environment: dict[str, str]) -> None:
    refused = command.invoke("stream", "create", "a b", "--shards", "99999", environment=environment)

    assert (refused.code, refused.stdout) == (3, b"")
    for part in ("stream_name", "'a b'", "1 to 128 characters", "shard_count", "99999", "10000"):
        assert part in refused.stderr
    assert "a b" not in command.invoke("stream", "list", environment=environment).stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--shards", "0"), "--shards"),
        (("--retention", "7"), "--retention"),
        (("--max-record-size", "big"), "--max-record-size"),
        (("--tag", "nothing"), "--tag"),
        (("--stream-address", "http://x"), "--stream-address"),
        (("--context", "nix"), "nix"),
        (("--timeout", "0"), "timeout"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    environment: dict[str, str], arguments: tuple[str, ...], word: str
) -> None:
    refused = command.invoke("stream", "create", "never", *arguments, environment=environment)

    assert refused.code == 2
    assert word in refused.stderr
    assert "never" not in command.invoke("stream", "list", environment=environment).stdout.decode()


def test_a_stream_is_not_deleted_without_a_yes_where_nobody_can_be_asked(environment: dict[str, str]) -> None:
    command.invoke("stream", "create", "kept", environment=environment)

    refused = command.run("stream", "delete", "kept", environment=environment)

    assert refused.code == 2
    assert "--yes" in refused.stderr
    assert command.invoke("stream", "describe", "kept", environment=environment).code == 0


def test_where_nothing_answers_it_says_what_to_do(environment: dict[str, str]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        done = command.run("stream", "list", "--stream-address", address, environment=environment)

    assert (done.code, done.stdout) == (5, b"")
    for part in (f"nothing answers at {address}", "make dev", "--stream-address"):
        assert part in done.stderr


def test_what_hangs_is_given_up_at_the_deadline(environment: dict[str, str]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        done = command.run("stream", "list", "--stream-address", address, "--timeout", "0.3", environment=environment)

    assert done.code == 5
    assert address in done.stderr


def test_contexts_name_addresses(address: str, tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "MILLRACE_CONFIG": "", "MILLRACE_STREAM_ADDRESS": ""}

    def run(*arguments: str) -> Done:
        return command.invoke(*arguments, environment=environment)

    added = run("context", "add", "lab", "--stream-address", address, "--mapping-address", "lab:7420")
    by_option = run("stream", "list", "--context", "lab")
    used = run("context", "use", "lab")
    by_use = run("stream", "list")
    listed = run("context", "list", "--output", "json")
    removed = run("context", "remove", "lab")
    shown = run("context", "show", "--output", "json")

    assert [done.code for done in (added, by_option, used, by_use, listed, removed, shown)] == [0] * 7
    assert [(each["name"], each["is_current"]) for each in json.loads(listed.stdout)] == [
        ("lab", True),
        ("local", False),
    ]
    assert json.loads(shown.stdout)["stream_address"] == "127.0.0.1:7410"
    assert run("context", "use", "lab").code == 2


def test_no_colour_and_no_control_characters_where_there_is_no_terminal(environment: dict[str, str]) -> None:
    done = command.run("stream", "describe", "\x1b[31mred", environment=environment)

    assert "\x1b" not in done.stderr + done.stdout.decode()
    assert done.code == 3


def complete(words: str, environment: dict[str, str]) -> list[str]:
    """What bash would be offered for the last word."""
    shell = {
        "_MILLRACE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    return command.run(environment={**environment, **shell}).lines


def test_the_shell_completes_live_names(environment: dict[str, str]) -> None:
    for name in ("orders-1", "orders-2", "other"):
        command.invoke("stream", "create", name, environment=environment)

    assert complete("millrace put orders", environment) == ["orders-1", "orders-2"]
    assert complete("millrace get other --shard s", environment) == ["shardId-000000000000"]
    assert complete("millrace stream desc", environment) == ["describe"]
    assert complete("millrace context use l", environment) == ["local"]


def test_completion_without_a_service_offers_nothing_and_says_nothing(environment: dict[str, str]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        away = {"MILLRACE_STREAM_ADDRESS": f"127.0.0.1:{silent.getsockname()[1]}"}
        words = {"_MILLRACE_COMPLETE": "complete_bash", "COMP_WORDS": "millrace put o", "COMP_CWORD": "2"}
        done = command.run(environment={**environment, **away, **words})

    assert (done.stdout.strip(), done.stderr) == (b"", "")


def test_shards_are_split_merged_and_scaled_and_shown_before(environment: dict[str, str]) -> None:
    def run(*arguments: str) -> Done:
        return command.invoke("stream", *arguments, environment=environment)

    run("create", "wide")
    shown = run("split", "wide", "shardId-000000000000", "--validate-only")
    split = run("split", "wide", "shardId-000000000000", "--output", "json")
    merged = run("merge", "wide", "shardId-000000000002", "shardId-000000000001", "--output", "json")
    scaled = run("scale", "wide", "2", "--output", "json")
    refused = run("scale", "wide", "9")
    unknown = run("split", "wide", "shardId-000000000077")

    assert [line.split()[0] for line in shown.lines] == [
        *("SHARD", "shardId-000000000001", "shardId-000000000002", "SHARD", "shardId-000000000000")
    ]
    assert "was not changed" in shown.stderr
    assert [each["shard_id"] for each in json.loads(split.stdout)["shards"]] == [
        "shardId-000000000001",
        "shardId-000000000002",
    ]
    assert json.loads(merged.stdout)["shard"]["shard_id"] == "shardId-000000000003"
    assert [each["shard_id"] for each in json.loads(scaled.stdout)["shards"]] == [
        "shardId-000000000004",
        "shardId-000000000005",
    ]
    assert (refused.code, unknown.code) == (3, 2)
    assert "target_shard_count" in refused.stderr
    assert "millrace stream shards wide" in unknown.stderr


def test_settings_and_tags_are_changed(environment: dict[str, str]) -> None:
    def run(*arguments: str) -> Done:
        return command.invoke("stream", *arguments, "--output", "json", environment=environment)

    run("create", "tuned", "--tag", "a=1", "--write-records", "100", "--write-bytes", "2MiB")
    updated = run("update", "tuned", "--retention", "7d", "--write-records", "unlimited", "--read-calls", "5")
    tagged = run("tag", "tuned", "b=2=3", "--remove", "a")
    nothing = command.invoke("stream", "update", "tuned", environment=environment)
    wrong = command.invoke("stream", "update", "tuned", "--write-bytes", "0", environment=environment)

    stream = json.loads(updated.stdout)
    assert stream["retention_period"] == "604800s"
    assert stream["write_limits"] == {"bytes_per_second": str(2 << 20), "records_per_second": "0"}
    assert stream["read_limits"]["calls_per_second"] == "5"
    assert json.loads(tagged.stdout)["tags"] == {"b": "2=3"}
    assert (nothing.code, wrong.code) == (2, 2)
    assert "unlimited" in wrong.stderr


def test_a_consumer_is_registered_and_a_stream_is_tailed_as_it(environment: dict[str, str]) -> None:
    def run(*arguments: str) -> Done:
        return command.invoke(*arguments, environment=environment)

    run("stream", "create", "pushed", "--shards", "2", "--read-calls", "1")
    registered = run("consumer", "register", "pushed", "audit", "--output", "json")
    listed = run("consumer", "list", "pushed")
    run("put", "pushed", "one", "--key", "a")
    run("stream", "split", "pushed", "shardId-000000000000")
    run("put", "pushed", "two", "--key", "a")
    tailed = run("tail", "pushed", "--consumer", "audit", "--from", "oldest", "--count", "2", "--format", "{data}")
    stranger = run("tail", "pushed", "--consumer", "nobody", "--from", "oldest", "--count", "1")
    kept = run("stream", "delete", "pushed", "--yes")
    removed = run("consumer", "remove", "pushed", "audit")
    empty = run("consumer", "list", "pushed")

    assert json.loads(registered.stdout)["consumer_name"] == "audit"
    assert listed.lines[1].split()[:3] == ["audit", "pushed", "ACTIVE"]
    assert (tailed.code, tailed.lines) == (0, ["one", "two"])
    assert (stranger.code, removed.code, empty.code) == (4, 0, 0)
    assert kept.code == 3
    assert "STREAM_HAS_CONSUMERS" in kept.stderr
    assert "millrace consumer register" in empty.stderr
