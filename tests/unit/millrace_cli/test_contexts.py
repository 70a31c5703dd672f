from __future__ import annotations

import json
from pathlib import Path

import pytest
from millrace_cli import addresses, contexts
from millrace_cli.addresses import Asked
from millrace_cli.contexts import Context, Contexts
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import UsageFailed

LAB = Context(stream_address="lab:7410", mapping_address="lab:7420")
KNOWN = Contexts().with_added("lab", LAB)


def test_without_a_file_the_addresses_are_those_of_millrace_dev(tmp_path: Path) -> None:
    resolved = addresses.resolve(Asked(), contexts.load(tmp_path / "none.json"), {})

    assert resolved == Context(stream_address="127.0.0.1:7410", mapping_address="127.0.0.1:7420")


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "config.json"

    contexts.save(file, KNOWN.with_used("lab"))

    assert contexts.load(file) == Contexts("lab", {"lab": LAB})
    assert [each.name for each in file.parent.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("asked", "environment", "stream_address"),
    [
        (Asked(), {}, "127.0.0.1:7410"),
        (Asked(), {"MILLRACE_CONTEXT": "lab"}, "lab:7410"),
        (Asked(), {"MILLRACE_CONTEXT": "lab", "MILLRACE_STREAM_ADDRESS": "a:1"}, "a:1"),
        (Asked(context="lab"), {"MILLRACE_CONTEXT": "local", "MILLRACE_STREAM_ADDRESS": "a:1"}, "lab:7410"),
        (Asked(context="lab", stream_address="b:2"), {"MILLRACE_STREAM_ADDRESS": "a:1"}, "b:2"),
        (Asked(stream_address="[::1]:7410"), {}, "[::1]:7410"),
    ],
)
def test_what_is_nearer_to_the_verb_wins(asked: Asked, environment: dict[str, str], stream_address: str) -> None:
    assert addresses.resolve(asked, KNOWN, environment).stream_address == stream_address


@pytest.mark.parametrize("address", ["", "host", "host:", ":7410", "host:0", "host:65536", "http://host:1", "a b:1"])
def test_what_is_no_address_is_refused_by_name(address: str) -> None:
    with pytest.raises(UsageFailed, match="--stream-address") as caught:
        addresses.checked(address, "--stream-address")

    assert caught.value.code is ExitCode.USAGE


def test_an_unknown_context_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageFailed, match=r"'nix'; there are: lab, local"):
        KNOWN.with_used("nix")


def test_when_the_current_context_is_removed_local_is_used() -> None:
    left = KNOWN.with_used("lab").with_removed("lab")

    assert left == Contexts("local", {})


def test_another_context_may_be_removed_without_a_change_of_the_current_one() -> None:
    two = KNOWN.with_added("other", LAB).with_used("other")

    assert two.with_removed("lab").current == "other"


def test_the_built_in_context_may_be_replaced_but_not_removed() -> None:
    replaced = KNOWN.with_added("local", LAB)

    assert replaced.get("local") == LAB
    assert replaced.with_removed("local").get("local") != LAB
    with pytest.raises(UsageFailed, match="built in"):
        KNOWN.with_removed("local")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 65, "a\n"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(UsageFailed, match="no name for a context"):
        KNOWN.with_added(name, LAB)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"contexts": {"a": {}}}', '{"current": 5}', '{"contexts": 1}', '"text"', "\0"]
)
def test_a_broken_file_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)

    with pytest.raises(UsageFailed, match=r"config\.json"):
        contexts.load(file)

    assert file.read_text() == text


def test_the_file_is_where_the_environment_says(tmp_path: Path) -> None:
    assert contexts.path({"MILLRACE_CONFIG": "a/b.json", "XDG_CONFIG_HOME": str(tmp_path)}) == Path("a/b.json")
    assert contexts.path({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "millrace" / "config.json"
    assert contexts.path({"XDG_CONFIG_HOME": "relative"}) == Path.home() / ".config" / "millrace" / "config.json"


def test_the_file_is_json_that_people_can_read(tmp_path: Path) -> None:
    contexts.save(tmp_path / "c.json", KNOWN)

    assert json.loads((tmp_path / "c.json").read_text()) == {
        "current": "local",
        "contexts": {"lab": {"stream_address": "lab:7410", "mapping_address": "lab:7420"}},
    }
