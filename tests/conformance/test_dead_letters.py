"""What every DeadLetterStore promises (rule D5): the same tests in memory and on SQLite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mapping_service.core import errors
from mapping_service.core.dead_letter import DeadLetter
from mapping_service.core.ports import DEAD_LETTER_BYTES_MAX, DeadLetterQuery
from mapping_service.stores import Stores
from tests.conformance.mapping_fixtures import stores as stores  # a fixture
from tests.support.mapping_stores import NOW, SHARDS, a_dead_letter, a_mapping_with_leases, a_write, taken

Discard = Callable[..., None]
ALL = DeadLetterQuery(mapping_id="m-1")


@pytest.fixture
def discard(stores: Stores) -> Discard:
    """Stores dead letters, as a checkpoint does."""
    for mapping_id in ("m-1", "m-2"):
        a_mapping_with_leases(stores, mapping_id)

    def store(*letters: DeadLetter) -> None:
        lease = taken(stores, "a")
        stores.leases.checkpoint(a_write(lease, 1, dead_letters=letters))

    return store


def ids(stores: Stores, query: DeadLetterQuery = ALL, limit: int = 10) -> list[str]:
    return [letter.dead_letter_id for letter in stores.dead_letters.list(query, limit=limit)]


def test_they_are_listed_oldest_first_without_their_records(stores: Stores, discard: Discard) -> None:
    discard(
        a_dead_letter(2), a_dead_letter(1), a_dead_letter(3, shard_id=SHARDS[1]), a_dead_letter(4, mapping_id="m-2")
    )

    assert ids(stores) == ["d-1", "d-2", "d-3"]
    assert ids(stores, limit=2) == ["d-1", "d-2"]
    assert ids(stores, DeadLetterQuery(mapping_id="m-1", after=(NOW + 1, "d-1"))) == ["d-2", "d-3"]
    assert ids(stores, DeadLetterQuery(mapping_id="m-1", shard_id=SHARDS[1])) == ["d-3"]
    assert {letter.payload for letter in stores.dead_letters.list(ALL, limit=10)} == {b""}
    assert stores.dead_letters.get("d-1") == a_dead_letter(1)


def test_an_unknown_one_is_not_found(stores: Stores) -> None:
    with pytest.raises(errors.DeadLetterNotFound):
        stores.dead_letters.get("d-1")


def test_d5_beyond_the_quota_the_records_go_and_range_and_cause_stay(stores: Stores, discard: Discard) -> None:
    half = b"x" * (DEAD_LETTER_BYTES_MAX // 2)
    discard(a_dead_letter(1, payload=half))
    discard(a_dead_letter(2, payload=half))
    discard(a_dead_letter(3, payload=b"one more"), a_dead_letter(4, payload=b"other", mapping_id="m-2"))

    kept = stores.dead_letters.get("d-3")
    assert kept == a_dead_letter(3, payload=b"")
    assert stores.dead_letters.payload_bytes("m-1") == DEAD_LETTER_BYTES_MAX
    assert stores.dead_letters.get("d-4").payload == b"other"

    assert stores.dead_letters.delete(["d-1", "d-1", "d-9"]) == 1
    discard(a_dead_letter(5, payload=b"fits again"))
    assert stores.dead_letters.get("d-5").payload == b"fits again"


def test_d5_old_ones_are_trimmed_in_bounded_passes(stores: Stores, discard: Discard) -> None:
    discard(*(a_dead_letter(number) for number in range(1, 6)))

    assert stores.dead_letters.trim(before_millis=NOW + 4, limit=2) == 2
    assert ids(stores) == ["d-3", "d-4", "d-5"]
    assert stores.dead_letters.trim(before_millis=NOW + 4, limit=2) == 1
    assert stores.dead_letters.trim(before_millis=NOW + 4, limit=2) == 0
    assert stores.dead_letters.payload_bytes("m-1") == 2 * len(b"record")


def test_dead_letters_outlive_their_mapping(stores: Stores, discard: Discard) -> None:
    discard(a_dead_letter(1, mapping_id="m-0"))

    assert ids(stores, DeadLetterQuery(mapping_id="m-0")) == ["d-1"]
