"""protos/errors.toml is the one catalogue of refusals: files made from it are current, and the code agrees with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import grpc
import pytest
from millrace.errors.v1 import error_reason_pb2

from protos import error_catalogue
from tests.support import contracts, refusal_classes
from tests.support.refusal_classes import Refusal

REASONS = {each.reason: each for each in error_catalogue.load(error_catalogue.CATALOGUE.read_text(encoding="utf-8"))}
OUTPUTS = list(error_catalogue.outputs())
REFUSALS = refusal_classes.refusals()
DETAILS = {"BadRequest", "RetryInfo", "ResourceInfo"}
INTERNAL = {"DeadLetterNotFound", "LeaseLost", "StartAlreadyResolved"}
"""Refusals between a service's own parts. On the wire each would be a bug, and so INTERNAL."""


def test_there_is_something_to_check() -> None:
    assert len(REASONS) > 30
    assert len(REFUSALS) > 30
    assert {path.name for path, _ in OUTPUTS} == {"error_reason.proto", "errors.md", "errors.json"}


@pytest.mark.parametrize(("path", "text"), OUTPUTS, ids=lambda each: each.name if isinstance(each, Path) else "")
def test_what_is_made_from_the_catalogue_is_current(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, f"{path.name} differs from errors.toml: run make protos"


def test_the_enum_in_the_generated_code_has_the_numbers_of_the_catalogue() -> None:
    numbers = {f"ERROR_REASON_{each.reason}": each.number for each in REASONS.values()}

    assert dict(error_reason_pb2.ErrorReason.items()) == {"ERROR_REASON_UNSPECIFIED": 0, **numbers}


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_refusal_in_code_stands_in_the_catalogue_with_its_code_and_its_details(refusal: Refusal) -> None:
    assert refusal.reason in REASONS, f"add {refusal.reason} to protos/errors.toml"
    reason = REASONS[refusal.reason]
    assert refusal.code in reason.codes or refusal.name in INTERNAL
    assert refusal.details <= set(reason.details)
    assert refusal.metadata <= reason.metadata.keys()


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.reason)
def test_a_reason_is_raised_somewhere_with_each_of_its_codes_or_is_marked_as_planned(
    reason: error_catalogue.Reason,
) -> None:
    raised = [each for each in REFUSALS if each.reason == reason.reason and each.name in refusal_classes.used_names()]
    if reason.reason == "INTERNAL":  # what the interceptor answers to an exception that is no refusal
        raised.append(Refusal("", "", "INTERNAL", "INTERNAL", frozenset(), frozenset()))

    assert bool(raised) != bool(reason.planned)
    if raised:
        assert set(reason.codes) <= {each.code for each in raised}
        assert set(reason.details) <= {detail for each in raised for detail in each.details}
        assert reason.metadata.keys() <= {key for each in raised for key in each.metadata}


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.reason)
def test_a_reason_says_what_it_means_and_what_to_do(reason: error_catalogue.Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Z_]{2,62}", reason.reason)
    assert reason.codes
    assert set(reason.codes) <= set(grpc.StatusCode.__members__)
    assert set(reason.details) <= DETAILS
    assert re.fullmatch(r"\d+\.\d+\.\d+", reason.since)
    for text in (reason.meaning, reason.advice):
        assert re.fullmatch(r"[A-Z].+\.", text), text


def test_no_number_is_given_twice() -> None:
    assert len({each.number for each in REASONS.values()}) == len(REASONS)


def test_each_value_of_the_contract_carries_its_example_as_one_json_object() -> None:
    comments = {
        each.name.rsplit(".", 1)[1].removeprefix("ERROR_REASON_"): " ".join(each.comment.split())
        for each in contracts.elements()
        if each.kind == "value" and ".ErrorReason." in each.name
    }
    for reason in REASONS.values():
        example = json.loads(comments[reason.reason].partition("Example: ")[2])
        assert example == {"reason": reason.reason, "domain": "millrace", "metadata": reason.metadata}


def test_a_misspelt_field_of_the_catalogue_is_noticed() -> None:
    with pytest.raises(TypeError, match="advise"):
        error_catalogue.load('[A_REASON]\nnumber = 1\ncodes = []\nmeaning = "A."\nadvise = "B."\nsince = "1"')
