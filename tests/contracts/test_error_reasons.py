"""Every refusal of the services is a value of ErrorReason, with its code and an example in the contract."""

from __future__ import annotations

import importlib
import re

import grpc
import pytest
from millrace.errors.v1 import error_reason_pb2

import chassis.errors
from tests.support import contracts

VALUES = {
    each.name.rsplit(".", 1)[1].removeprefix("ERROR_REASON_"): each.comment
    for each in contracts.elements()
    if each.kind == "value" and ".ErrorReason." in each.name
}
for module in ("stream_service.core.errors", "mapping_service.core.errors"):
    importlib.import_module(module)


def _refusals(base: type[chassis.errors.DomainError]) -> list[type[chassis.errors.DomainError]]:
    found = [base]
    for each in base.__subclasses__():
        found += _refusals(each)
    return [each for each in found if not each.__module__.startswith("tests.")]


@pytest.mark.parametrize("refusal", _refusals(chassis.errors.DomainError), ids=lambda refusal: refusal.__name__)
def test_a_refusal_has_a_reason_of_the_contract_and_a_code_of_grpc(refusal: type[chassis.errors.DomainError]) -> None:
    assert refusal.reason in VALUES
    assert refusal.code in grpc.StatusCode.__members__
    assert (
        refusal.reason == "INTERNAL" or refusal.code in VALUES[refusal.reason] or refusal.__name__ == "UnknownService"
    )


def test_every_reason_names_its_code_and_an_example_with_itself_in_it() -> None:
    codes = "|".join(grpc.StatusCode.__members__)
    for reason, comment in VALUES.items():
        if reason != "UNSPECIFIED":
            assert re.match(rf"\s*({codes})\b", comment), reason
            assert f'"reason": "{reason}"' in comment, reason


def test_reasons_fit_the_wire() -> None:
    assert all(re.fullmatch(r"[A-Z][A-Z_]{2,62}", reason) for reason in VALUES)
    assert len(VALUES) == len(error_reason_pb2.ErrorReason.keys())
