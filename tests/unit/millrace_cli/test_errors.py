from __future__ import annotations

import json

import pytest
from millrace.errors.v1 import error_reason_pb2
from millrace_cli import completion, error_catalogue

from tests.support import verbs

NAMES = [each.removeprefix("ERROR_REASON_") for each, _ in error_reason_pb2.ErrorReason.items()][1:]


@pytest.mark.parametrize("text", ["STREAM_NOT_FOUND", "stream-not-found", "ERROR_REASON_STREAM_NOT_FOUND", " 20 "])
def test_a_reason_is_found_however_it_is_written(text: str) -> None:
    found = error_catalogue.find(text)

    assert found is not None
    assert found["reason"] == "STREAM_NOT_FOUND"


@pytest.mark.parametrize(
    ("text", "meant"), [("STREAM_NOT_FUND", "STREAM_NOT_FOUND"), ("etag", "ETAG_MISMATCH"), ("overload", "OVERLOADED")]
)
def test_a_near_miss_is_suggested(text: str, meant: str) -> None:
    assert error_catalogue.find(text) is None
    assert meant in error_catalogue.near(text)


def test_nothing_is_suggested_for_what_is_like_no_reason() -> None:
    assert list(error_catalogue.near("xyz")) == []


def test_the_command_knows_every_reason_of_the_contract() -> None:
    assert [each["reason"] for each in error_catalogue.all_reasons()] == NAMES


def test_reasons_are_completed_in_small_letters_too() -> None:
    assert list(completion.reasons("stream_not_f")) == ["STREAM_NOT_FOUND"]


def test_the_verb_tells_what_a_reason_means_and_what_to_do() -> None:
    done = verbs.run("errors", "STORAGE_FULL")

    assert done.returncode == 0
    assert "The disk is full" in done.stdout
    assert "Make room" in done.stdout
    assert "RetryInfo" in done.stdout


def test_the_verb_lists_all_reasons_as_a_table_and_as_json() -> None:
    table, document = verbs.run("errors"), verbs.run("errors", "--output", "json")

    assert [line.split()[0] for line in table.stdout.splitlines()] == ["REASON", *NAMES]
    assert [each["reason"] for each in json.loads(document.stdout)] == NAMES


def test_the_verb_lists_the_reasons_of_a_grpc_code() -> None:
    done = verbs.run("errors", "NOT_FOUND", "--output", "jsonl")

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"STREAM_NOT_FOUND", "MAPPING_NOT_FOUND"} <= {each["reason"] for each in found}
    assert all("NOT_FOUND" in each["codes"] for each in found)
    assert "is a gRPC code" in done.stderr


def test_the_verb_ends_with_4_and_a_suggestion_for_an_unknown_reason() -> None:
    done = verbs.run("errors", "STREAM_NOT_FUND")

    assert (done.returncode, done.stdout) == (4, "")
    assert "Did you mean STREAM_NOT_FOUND" in done.stderr
