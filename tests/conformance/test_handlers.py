"""What every HandlerStore promises: the same tests in memory and on SQLite."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mapping_service.core import errors
from mapping_service.core.ports import RequestId
from mapping_service.stores import Stores
from tests.conformance.mapping_fixtures import stores as stores  # a fixture
from tests.support.mapping_stores import a_handler, a_mapping

REQUEST = RequestId(request_id="r-1", digest=b"digest")


def test_a_handler_comes_back_as_it_was_registered(stores: Stores) -> None:
    handler = a_handler(timeout_seconds=1.5)

    assert stores.handlers.register(handler) == handler
    assert stores.handlers.get("bill") == handler


def test_a_name_is_taken_once(stores: Stores) -> None:
    stores.handlers.register(a_handler())

    with pytest.raises(errors.HandlerAlreadyExists):
        stores.handlers.register(a_handler(endpoint="127.0.0.1:2"))


def test_a_request_id_gives_the_same_handler_and_refuses_another_request(stores: Stores) -> None:
    first = stores.handlers.register(a_handler(), request=REQUEST)

    assert stores.handlers.register(a_handler(), request=REQUEST) == first
    with pytest.raises(errors.RequestIdReused):
        stores.handlers.register(a_handler("ship"), request=replace(REQUEST, digest=b"other"))


def test_handlers_are_listed_by_name_in_pages(stores: Stores) -> None:
    for name in ("b", "a", "B", "c"):
        stores.handlers.register(a_handler(name))

    def names(after: str | None, limit: int = 10) -> list[str]:
        return [handler.handler_name for handler in stores.handlers.list(after=after, limit=limit)]

    assert names(None) == ["B", "a", "b", "c"]
    assert names(None, 2) == ["B", "a"]
    assert names("a") == ["b", "c"]


def test_an_update_is_made_on_the_version_that_was_seen_only(stores: Stores) -> None:
    stores.handlers.register(a_handler())
    changed = a_handler(endpoint="127.0.0.1:2", version=2)

    assert stores.handlers.update(changed, seen_version=1) == changed
    with pytest.raises(errors.EtagMismatch):
        stores.handlers.update(changed, seen_version=1)
    with pytest.raises(errors.HandlerNotFound):
        stores.handlers.update(a_handler("nobody"), seen_version=1)


def test_a_deregistered_handler_is_gone_and_its_mappings_stay(stores: Stores) -> None:
    stores.handlers.register(a_handler())
    stores.mappings.create(a_mapping(), start=None)

    stores.handlers.deregister("bill")

    with pytest.raises(errors.HandlerNotFound):
        stores.handlers.get("bill")
    with pytest.raises(errors.HandlerNotFound):
        stores.handlers.deregister("bill")
    assert stores.mappings.get("m-1").handler_name == "bill"
