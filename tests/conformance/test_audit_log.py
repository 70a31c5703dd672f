"""What every AuditLog promises (rules K2, D5): the same tests in memory and on SQLite."""

from __future__ import annotations

from mapping_service.core.audit import Action, AuditEntry
from mapping_service.stores import Stores
from tests.conformance.mapping_fixtures import stores as stores  # a fixture
from tests.support.mapping_stores import NOW


def an_entry(number: int, *, mapping_id: str = "m-1") -> AuditEntry:
    return AuditEntry(
        mapping_id=mapping_id,
        action=Action.STREAM_CREATED_AGAIN,
        actor="mapping_service",
        reason=f"reason {number}",
        create_millis=NOW + number,
    )


def test_entries_of_a_mapping_are_listed_newest_first(stores: Stores) -> None:
    for entry in (an_entry(1), an_entry(2, mapping_id="m-2"), an_entry(3)):
        stores.audit.add(entry)

    assert stores.audit.list("m-1", limit=10) == [an_entry(3), an_entry(1)]
    assert stores.audit.list("m-1", limit=1) == [an_entry(3)]
    assert stores.audit.list("m-9", limit=10) == []


def test_d5_old_entries_are_trimmed_pass_by_pass(stores: Stores) -> None:
    for number in range(5):
        stores.audit.add(an_entry(number))

    assert stores.audit.trim(before_millis=NOW + 4, limit=3) == 3
    assert stores.audit.trim(before_millis=NOW + 4, limit=3) == 1
    assert stores.audit.trim(before_millis=NOW + 4, limit=3) == 0
    assert stores.audit.list("m-1", limit=10) == [an_entry(4)]
