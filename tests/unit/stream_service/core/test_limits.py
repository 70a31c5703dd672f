"""Sizes and counts: the last good value and the first bad one."""

from __future__ import annotations

import pytest

from chassis.errors import InvalidArgument, Violations
from stream_service.core import limits, names, stream
from stream_service.core.record import new_record
from stream_service.core.shard import parse_shard_id, shard_id


def fields(problems: Violations) -> list[str]:
    """The fields that are wrong."""
    try:
        problems.raise_if_any()
    except InvalidArgument as error:
        return [violation.field for violation in error.violations]
    return []


@pytest.mark.parametrize("name", ["a", "A-z_0.9", "x" * 128])
def test_a_name_may_be(name: str) -> None:
    assert names.is_stream_name(name)


@pytest.mark.parametrize("name", ["", "x" * 129, "a b", "a/b", "ä", "a\n", "a\0"])
def test_a_name_may_not_be(name: str) -> None:
    assert not names.is_stream_name(name)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "stream_name"),
        ({"shard_count": 0}, "shard_count"),
        ({"shard_count": stream.SHARD_COUNT_MAX + 1}, "shard_count"),
        ({"retention_seconds": 24 * 3600 - 1}, "retention_period"),
        ({"retention_seconds": 8760 * 3600 + 1}, "retention_period"),
        ({"record_bytes_max": (1 << 20) - 1}, "max_record_size_bytes"),
        ({"record_bytes_max": (10 << 20) + 1}, "max_record_size_bytes"),
    ],
)
def test_a_new_stream_outside_its_bounds_is_refused_by_field(changed: dict[str, object], field: str) -> None:
    problems = Violations()
    limits.check_spec(problems, stream.StreamSpec(**{"name": "orders", **changed}))  # type: ignore[arg-type]
    assert fields(problems) == [field]


def test_a_new_stream_at_its_bounds_is_fine() -> None:
    for count, hours, size in ((1, 24, 1 << 20), (stream.SHARD_COUNT_MAX, 8760, 10 << 20)):
        problems = Violations()
        spec = stream.StreamSpec(name="o", shard_count=count, retention_seconds=hours * 3600, record_bytes_max=size)
        limits.check_spec(problems, spec)
        assert fields(problems) == []


@pytest.mark.parametrize(("key", "is_good"), [("", False), ("k", True), ("ä" * 256, True), ("k" * 257, False)])
def test_a_partition_key_has_1_to_256_characters(key: str, is_good: bool) -> None:
    problems = Violations()
    limits.check_partition_key(problems, "partition_key", key)
    assert (fields(problems) == []) is is_good


@pytest.mark.parametrize(
    ("sizes", "is_good"),
    [([], False), ([1] * 500, True), ([1] * 501, False), ([10 << 20], True), ([10 << 20, 1], False)],
)
def test_a_request_has_1_to_500_records_and_10_mebibytes(sizes: list[int], is_good: bool) -> None:
    problems = Violations()
    limits.check_request(problems, sizes)
    assert (fields(problems) == []) is is_good


def test_a_records_size_is_its_utf8_key_and_its_data() -> None:
    assert new_record("kéy", b"12345", 0)[3] == 4 + 5


def test_a_shard_id_gives_its_index_back_and_nothing_else_does() -> None:
    assert shard_id(7) == "shardId-000000000007"
    assert parse_shard_id(shard_id(2**31 - 1)) == 2**31 - 1
    for text in (
        "",
        "shardId-7",
        "shardId-00000000000a",
        "shardid-000000000007",
        "shardId-999999999999",
        "shardId-٠" * 12,
    ):
        assert parse_shard_id(text) is None
