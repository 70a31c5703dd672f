"""`millrace handler` and `millrace mapping` against real services: what users type, and what they are told."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.mill import Mill
from tests.support.verbs import Verbs

FAILED, USAGE, REFUSED, NOT_FOUND, UNAVAILABLE, PARTLY = 1, 2, 3, 4, 5, 6


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    """Both services and a handler that names records with "bad" in them as failed."""
    mill = Mill(tmp_path_factory.mktemp("mappings"), failing="bad", partial="1")
    try:
        mill.start()
        yield mill
    finally:
        mill.end()


@pytest.fixture(scope="module")
def verbs(mill: Mill) -> Verbs:
    return Verbs(mill)


@pytest.fixture(scope="module")
def handler(mill: Mill, verbs: Verbs) -> str:
    """A registered handler that is up."""
    verbs.json("handler", "register", "bill", mill.handler.address)
    return "bill"


def test_a_handler_is_registered_shown_listed_changed_and_removed(verbs: Verbs) -> None:
    registered = verbs.json("handler", "register", "post", "127.0.0.1:7599", "--call-timeout", "30s")
    shown = verbs.run("handler", "show", "post")
    updated = verbs.json("handler", "update", "post", "--endpoint", "127.0.0.1:7598", "--etag", registered["etag"])
    listed = [each["handler_name"] for each in verbs.json("handler", "list")]
    removed = verbs.run("handler", "remove", "post")

    assert (registered["endpoint"], registered["timeout"]) == ("127.0.0.1:7599", "30s")
    assert "CALL TIMEOUT  30s" in shown.stdout
    assert (updated["endpoint"], updated["timeout"]) == ("127.0.0.1:7598", "30s")
    assert "post" in listed
    assert (removed.returncode, removed.stdout) == (0, "")
    assert verbs.run("handler", "show", "post").returncode == NOT_FOUND


def test_a_refusal_names_the_field_the_reason_and_where_to_read_on(verbs: Verbs) -> None:
    done = verbs.run("handler", "register", "post office", "nowhere")

    assert (done.returncode, done.stdout) == (REFUSED, "")
    assert "handler.handler_name: 'post office' is not" in done.stderr
    assert "handler.endpoint: 'nowhere' is not host:port" in done.stderr
    assert "millrace errors INVALID_ARGUMENT" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["handler", "update", "bill"], "nothing is to be changed"),
        (["handler", "register", "a", "b:1", "--call-timeout", "soon"], "--call-timeout is 'soon'"),
        (["handler", "invoke", "bill", "a", "--file", "-"], "not from both"),
        (["handler", "invoke", "bill", "a", "--empty"], "not with --empty"),
        (["handler", "invoke", "bill", "--file", "nowhere.jsonl"], "cannot be read"),
        (["mapping", "update", "3f9a"], "nothing is to be changed"),
        (["mapping", "create", "a", "b", "--retries", "often"], "--retries is 'often'"),
        (["mapping", "create", "a", "b", "--batching-window", "5"], "--batching-window is '5'"),
        (["mapping", "create", "a", "b", "--from", "somewhere"], "--from is 'somewhere'"),
        (["mapping", "create", "a", "b", "--from", "0" * 30], "--from is a sequence number"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(verbs: Verbs, arguments: list[str], said: str) -> None:
    done = verbs.run(*arguments)

    assert (done.returncode, done.stdout) == (USAGE, "")
    assert said in done.stderr


def test_a_test_batch_from_arguments_is_answered(verbs: Verbs, handler: str) -> None:
    done = verbs.run("handler", "invoke", handler, "one", "two")

    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["STATUS", "OK"] in lines
    assert ["RECORDS", "2"] in lines
    assert ["RESULT", "handled"] in lines


def test_an_empty_test_batch_is_sent_only_when_that_is_said(verbs: Verbs, handler: str) -> None:
    refused = verbs.process("handler", "invoke", handler, stdin="")

    assert refused.returncode == USAGE
    assert "say --empty" in refused.stderr
    assert verbs.json("handler", "invoke", handler, "--empty")["status_code"] == "OK"


def test_a_test_batch_names_the_records_that_failed(verbs: Verbs, handler: str, mill: Mill) -> None:
    done = verbs.process("handler", "invoke", handler, "--key", "k", stdin="good\nbad apple\n")

    assert done.returncode == PARTLY
    assert "1 of 2 records failed" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["2", f"{2:020d}{0:010d}", "bad", "apple"]


def test_records_as_get_prints_them_are_sent_as_they_were(verbs: Verbs, handler: str, mill: Mill) -> None:
    number = f"{77:020d}{3:010d}"
    line = json.dumps({"sequence_number": number, "partition_key": "k", "data_base64": "YmFk"})

    done = verbs.process("handler", "invoke", handler, "--file", "-", "--as", "records", "-o", "json", stdin=line)

    assert done.returncode == PARTLY
    assert [each["sequence_number"] for each in json.loads(done.stdout)["response"]["batch_item_failures"]] == [number]


def test_a_test_batch_for_a_handler_that_is_away_fails_with_the_reason(verbs: Verbs) -> None:
    verbs.json("handler", "register", "away", "127.0.0.1:1")

    done = verbs.run("handler", "invoke", "away", "one")

    assert done.returncode == FAILED
    assert "the call failed" in done.stdout
    assert "UNAVAILABLE" in done.stdout
    assert "cannot connect to handler away at 127.0.0.1:1" in done.stdout


def test_a_mapping_lives_its_whole_life(verbs: Verbs, handler: str) -> None:
    verbs.json("stream", "create", "life")
    created = verbs.json(
        *("mapping", "create", "life", handler, "--batch-size", "7", "--batching-window", "2s", "--retries", "3"),
        *("--max-record-age", "1h", "--bisect", "--partial-batches", "--wait"),
    )
    disabled = verbs.json("mapping", "disable", "life", "--wait")
    enabled = verbs.json("mapping", "enable", created["mapping_id"][:13], "--wait")
    updated = verbs.json("mapping", "update", "life", "--retries", "unlimited", "--no-bisect", "--wait")
    shown = verbs.run("mapping", "show", "life").stdout
    deleted = verbs.process("mapping", "delete", "life", "--yes", "--wait")

    state = "EVENT_SOURCE_MAPPING_STATE_"
    assert created["state"] == state + "ENABLED"
    assert (created["batch_size"], created["maximum_batching_window"]) == (7, "2s")
    assert (created["maximum_retry_attempts"], created["maximum_record_age"]) == (3, "3600s")
    assert (created["bisect_batch_on_function_error"], created["report_batch_item_failures"]) == (True, True)
    assert (disabled["state"], enabled["state"]) == (state + "DISABLED", state + "ENABLED")
    assert "maximum_retry_attempts" not in updated
    assert (updated["bisect_batch_on_function_error"], updated["batch_size"]) == (False, 7)
    assert "LAST RESULT      No records processed" in shown
    assert "RETRIES          unlimited" in shown
    assert (deleted.returncode, deleted.stdout) == (0, "")
    assert verbs.run("mapping", "show", created["mapping_id"]).returncode == NOT_FOUND


def test_a_mapping_is_only_checked_when_that_is_asked(verbs: Verbs, handler: str) -> None:
    checked = verbs.run("mapping", "create", "checked", handler, "--validate-only")
    assert checked.returncode == 0
    assert "nothing was" in checked.stderr
    assert verbs.json("mapping", "list", "--stream", "checked") == []


def test_a_mapping_that_is_there_or_whose_handler_is_not_is_refused_in_plain_words(verbs: Verbs, handler: str) -> None:
    verbs.json("mapping", "create", "twice", handler, "--disabled", "--wait")

    again = verbs.run("mapping", "create", "twice", handler)
    nobody = verbs.run("mapping", "create", "twice", "nobody")

    assert (again.returncode, nobody.returncode) == (REFUSED, REFUSED)
    assert "streams/twice is mapped to the handler bill already" in again.stderr
    assert "no handler is registered as nobody" in nobody.stderr
    assert "millrace errors HANDLER_NOT_FOUND" in nobody.stderr


def test_a_mapping_of_a_stream_that_is_not_there_tells_that_it_waits(verbs: Verbs, handler: str) -> None:
    done = verbs.run("mapping", "create", "misspelt", handler, "--disabled")

    assert done.returncode == 0
    assert "stream misspelt was not found yet; the mapping waits for it" in done.stderr


def test_a_stream_with_two_mappings_names_none_of_them(verbs: Verbs, handler: str, mill: Mill) -> None:
    verbs.json("handler", "register", "second", mill.handler.address)
    ids = [
        verbs.json("mapping", "create", "pair", name, "--disabled", "--wait")["mapping_id"]
        for name in (handler, "second")
    ]

    done = verbs.run("mapping", "show", "pair")

    assert done.returncode == USAGE
    assert all(each in done.stderr for each in ids)
    assert verbs.json("mapping", "show", ids[1])["handler_name"] == "second"


def test_a_mapping_is_not_deleted_without_a_word(verbs: Verbs, handler: str) -> None:
    verbs.json("mapping", "create", "kept", handler, "--disabled", "--wait")

    done = verbs.process("mapping", "delete", "kept")

    assert done.returncode == USAGE
    assert "--yes" in done.stderr
    assert verbs.run("mapping", "show", "kept").returncode == 0


def test_removing_a_handler_tells_which_mappings_wait(verbs: Verbs, mill: Mill) -> None:
    verbs.json("handler", "register", "leaving", mill.handler.address)
    mapping = verbs.json("mapping", "create", "left", "leaving", "--disabled", "--wait")

    done = verbs.run("handler", "remove", "leaving")

    assert done.returncode == 0
    assert mapping["mapping_id"] in done.stderr


def test_a_service_that_is_away_ends_the_verb_with_5(verbs: Verbs) -> None:
    done = verbs.run("mapping", "list", "--mapping-address", "127.0.0.1:1")

    assert (done.returncode, done.stdout) == (UNAVAILABLE, "")
    assert "nothing answers at 127.0.0.1:1" in done.stderr
