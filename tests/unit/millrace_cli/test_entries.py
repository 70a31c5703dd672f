from __future__ import annotations

import json
from typing import Any

import pytest
from millrace_cli.records import entries
from millrace_cli.records.entries import Entry, Shape, Unfit

MIB = 1 << 20


def shape(**fields: Any) -> Shape:
    return Shape(bytes_max=MIB, **fields)


def test_without_a_key_each_record_has_one_of_its_own() -> None:
    made = [entries.of_data(shape(), number, b"x") for number in (1, 2)]

    keys = [each.key for each in made if isinstance(each, Entry)]
    assert len(set(keys)) == 2
    assert all(keys)


@pytest.mark.parametrize(
    ("data", "key"), [(b'{"a": {"b": "x"}}', "x"), (b'{"a": {"b": 7}}', "7"), (b'{"a": {"b": true}}', "true")]
)
def test_the_key_is_taken_from_a_json_field(data: bytes, key: str) -> None:
    made = entries.of_data(shape(key_path=("a", "b")), 1, data)

    assert made == Entry(1, data, key, "", {})


@pytest.mark.parametrize("data", [b'{"a": {}}', b'{"a": {"b": null}}', b'{"a": {"b": ""}}', b'{"a": {"b": []}}', b"5"])
def test_a_record_without_the_key_field_is_told_with_its_path(data: bytes) -> None:
    made = entries.of_data(shape(key_path=("a", "b")), 3, data)

    assert isinstance(made, Unfit)
    assert (made.number, made.reason) == (3, "INVALID_ARGUMENT")
    assert "a.b" in made.message


@pytest.mark.parametrize("data", [b"", b"nope", b"\xff", b'{"a": 1'])
def test_what_is_no_json_is_told_with_its_beginning(data: bytes) -> None:
    made = entries.of_data(shape(is_json=True), 1, data)

    assert isinstance(made, Unfit)
    assert "not JSON" in made.message


def test_the_size_counts_key_data_and_attributes() -> None:
    fits = entries.of_data(shape(key="kk", attributes={"å": "b"}), 1, b"x" * (MIB - 5))
    too_large = entries.of_data(shape(key="kk", attributes={"å": "b"}), 1, b"x" * (MIB - 4))

    assert isinstance(fits, Entry)
    assert isinstance(too_large, Unfit)
    assert too_large.reason == "RECORD_TOO_LARGE"


def test_a_key_that_is_too_long_is_refused_alone() -> None:
    made = entries.of_data(shape(key_path=("k",)), 1, json.dumps({"k": "x" * 257}).encode())

    assert isinstance(made, Unfit)
    assert "partition_key" in made.message
    assert "257" in made.message


def test_what_an_option_says_comes_before_what_a_record_says() -> None:
    line = json.dumps(
        {"data": "x", "partition_key": "own", "explicit_hash_key": "5", "attributes": {"a": "1"}}
    ).encode()

    assert entries.of_record(shape(), 1, line) == Entry(1, b"x", "own", "5", {"a": "1"})
    made = entries.of_record(shape(key="k", hash_key="7", attributes={"b": "2"}), 1, line)
    assert made == Entry(1, b"x", "k", "7", {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"5",
        b"{}",
        b'{"data": 5}',
        b'{"data_base64": "?"}',
        b'{"data": "x", "partition_key": 5}',
        b'{"data": "x", "attributes": {"a": 5}}',
        b'{"data": "\\ud800"}',
        b'{"data": "x", "explicit_hash_key": "-1"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_record_is_told(line: bytes) -> None:
    assert isinstance(entries.of_record(shape(), 1, line), Unfit)


def test_a_record_that_failed_can_be_put_again_from_its_line() -> None:
    entry = Entry(9, b"\xff", "k", "5", {"a": "b"})
    row = entries.as_failed(entry, reason="STORAGE_FULL", message="full", may_be_stored=True)

    again = entries.of_record(shape(), 9, json.dumps(row).encode())

    assert (row["record"], row["reason"], row["may_be_stored"], again) == (9, "STORAGE_FULL", True, entry)


def test_what_was_never_a_record_is_not_put_from_its_line() -> None:
    cut = entries.of_cut(1, b"x" * 5_000, 2 * MIB, MIB)
    row = entries.as_failed(cut, reason=cut.reason, message=cut.message, may_be_stored=False)

    assert row["input_is_cut"] is True
    assert isinstance(entries.of_record(shape(), 1, json.dumps(row).encode()), Unfit)


@pytest.mark.parametrize(
    ("key", "hash_key", "attributes", "word"),
    [
        ("x" * 257, "", {}, "partition_key"),
        ("", str(2**128), {}, "explicit_hash_key"),
        ("", "007", {}, "explicit_hash_key"),
        ("", "", {str(each): "" for each in range(51)}, "51"),
        ("", "", {"n" * 129: ""}, "129"),
        ("", "", {"n": "v" * 4_097}, "4097"),
    ],
)
def test_what_would_refuse_a_whole_request_is_found_before(
    key: str, hash_key: str, attributes: dict[str, str], word: str
) -> None:
    assert word in entries.problem_of(key, hash_key, attributes)


def test_what_is_within_the_limits_has_no_problem() -> None:
    attributes = {f"{each:0128}": "v" * 4_096 for each in range(50)}

    assert entries.problem_of("x" * 256, str(2**128 - 1), attributes) == ""
