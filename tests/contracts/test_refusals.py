"""Every way to say no of both services, as it goes on the wire."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types
from millrace.errors.v1 import error_reason_pb2

import chassis
import mapping_service
import stream_service
from chassis.errors import DomainError, FieldViolation
from chassis.process import error_details

SAMPLES: dict[Any, Any] = {"str": "orders", "int": 7, "float": 1.5, str: "orders", int: 7, float: 1.5}
STAYS_INSIDE = {"DeadLetterNotFound", "LeaseLost", "StartAlreadyResolved", "DomainError"}
"""Their docstrings say so."""
PASSES_BY_ITSELF = {"RESOURCE_EXHAUSTED", "UNAVAILABLE"}
DOES_NOT_PASS = {"LimitExceeded", "OutcomeUnknown"}
"""Deleting something helps, or looking what is stored; waiting does not."""
ABOUT_NO_RESOURCE = {"RequestIdReused", "ProducerSequenceReused"}


def kinds(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


def product_kinds() -> list[type[DomainError]]:
    for package in (chassis, stream_service, mapping_service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                importlib.import_module(module.name)
    mine = {"chassis", "stream_service", "mapping_service"}
    found = {each for each in kinds() if each.__module__.split(".")[0] in mine}
    return sorted((each for each in found if each.__name__ not in STAYS_INSIDE), key=lambda each: each.__qualname__)


def made(kind: type[DomainError]) -> DomainError:
    """One of that kind."""
    if kind.__init__ is DomainError.__init__:
        return kind()
    given: dict[str, Any] = {}
    rest: list[Any] = []
    for name, parameter in list(inspect.signature(kind.__init__).parameters.items())[1:]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest.append(FieldViolation("records[3].data", "must be shorter"))
        elif parameter.default is parameter.empty:
            given[name] = SAMPLES[parameter.annotation]
    return kind(*rest, **given)


def details(kind: type[DomainError]) -> dict[str, Any]:
    """What goes on the wire, by the name of each detail; there is one of each at most."""
    status = status_pb2.Status.FromString(error_details.refusal_of(made(kind), "request-7").status)
    found: dict[str, Any] = {}
    for packed in status.details:
        name = packed.TypeName().removeprefix("google.rpc.")
        assert name not in found
        message = getattr(error_details_pb2, name)()
        assert packed.Unpack(message)
        found[name] = message
    return found


KINDS = product_kinds()


def test_both_services_have_refusals() -> None:
    assert {"StreamNotFound", "MappingNotFound", "InvalidArgument"} <= {kind.__name__ for kind in KINDS}
    assert len(KINDS) > 30


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__qualname__)
def test_a_refusal_tells_all_that_a_client_can_act_on(kind: type[DomainError]) -> None:
    told = details(kind)

    assert told["ErrorInfo"].domain == "millrace"
    assert f"ERROR_REASON_{told['ErrorInfo'].reason}" in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118  # no dict
    assert told["RequestInfo"].request_id == "request-7"
    if kind.code == "INVALID_ARGUMENT":
        assert told["BadRequest"].field_violations[0].field
    if kind.code in ("NOT_FOUND", "ALREADY_EXISTS", "DATA_LOSS") and kind.__init__ is not DomainError.__init__:
        assert "ResourceInfo" in told or kind.__name__ in ABOUT_NO_RESOURCE
    if kind.code in PASSES_BY_ITSELF and kind.__name__ not in DOES_NOT_PASS:
        assert told["RetryInfo"].retry_delay.ToMicroseconds() > 0
