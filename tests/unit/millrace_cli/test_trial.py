from __future__ import annotations

import pytest
from millrace.mapping.v1 import handler_registry_service_pb2
from millrace_cli.exit_codes import ExitCode
from millrace_cli.failure import UsageFailed
from millrace_cli.handler import invoke, trial

NOW = 1_700_000_000_000


def answer(status: str = "OK", **response: object) -> object:
    made = handler_registry_service_pb2.InvokeHandlerResponse(status_code=status)
    made.response.SetInParent()
    for number in response.get("failures", ()):  # type: ignore[attr-defined]  # a list of texts
        made.response.batch_item_failures.add(sequence_number=number)
    if "error" in response:
        made.response.error.message = str(response["error"])
    return made


def test_each_data_becomes_a_record_with_a_number_of_its_own() -> None:
    found = trial.of_data([b"a", b""], key="k", now_millis=NOW)

    assert [each.data for each in found] == [b"a", b""]
    assert [each.sequence_number for each in found] == [f"{1:020d}{0:010d}", f"{2:020d}{0:010d}"]
    assert {(each.partition_key, each.approximate_arrival_unix_millis) for each in found} == {("k", NOW)}


def test_a_record_keeps_what_its_line_says_and_is_given_the_rest() -> None:
    full = (
        b'{"sequence_number": "000000000000000000070000000003", "partition_key": "p", "data_base64": "/w==",'
        b' "approximate_arrival_unix_millis": 5, "attributes": {"source": "test"}}'
    )
    first, second = trial.of_records([full, b"", b'{"data": "\xc3\xa4"}'], key="k", now_millis=NOW)

    assert (first.data, first.partition_key, first.approximate_arrival_unix_millis) == (b"\xff", "p", 5)
    assert (first.sequence_number[-1], dict(first.attributes)) == ("3", {"source": "test"})
    assert (second.data, second.partition_key, second.approximate_arrival_unix_millis) == ("ä".encode(), "k", NOW)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"no json", "line 2 is no JSON"),
        (b"[1]", "line 2 is no JSON object"),
        (b'{"key": "a"}', "line 2 has neither data nor data_base64"),
        (b'{"data_base64": "*"}', "line 2 is no base64"),
        (b'{"data": "a", "attributes": [1]}', "line 2 is no record"),
        (b'{"data": "a", "partition_key": 7}', "line 2 is no record"),
    ],
)
def test_a_line_that_is_no_record_is_named(line: bytes, said: str) -> None:
    with pytest.raises(UsageFailed, match=said):
        trial.of_records([b'{"data": "good"}', line], key="k", now_millis=NOW)


def test_more_than_a_batch_can_be_is_refused_before_it_is_sent() -> None:
    with pytest.raises(UsageFailed, match="at most 10,000 records"):
        trial.of_data([b""] * (trial.RECORDS_MAX + 1), key="k", now_millis=NOW)
    with pytest.raises(UsageFailed, match="6 MiB"):
        trial.of_data([bytes(trial.BYTES_MAX), b"a"], key="k", now_millis=NOW)


@pytest.mark.parametrize(
    ("answered", "code", "said"),
    [
        (answer(), ExitCode.DONE, "handled"),
        (answer(failures=["1"]), ExitCode.PARTLY, "1 of 3 records failed"),
        (answer(error="no"), ExitCode.FAILED, "the handler answered an error"),
        (answer(error="no", failures=["1"]), ExitCode.FAILED, "the handler answered an error"),
        (answer("DEADLINE_EXCEEDED"), ExitCode.FAILED, "the call failed"),
    ],
)
def test_the_exit_code_says_what_became_of_the_batch(answered: object, code: ExitCode, said: str) -> None:
    assert invoke.exit_code(answered) == code
    assert invoke.result(answered, 3) == said
