from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from millrace_cli.failure import UsageFailed
from millrace_cli.records import place
from millrace_cli.records.place import Place

NOW = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oldest", Place("oldest")),
        ("TRIM_HORIZON", Place("oldest")),
        ("latest", Place("latest")),
        ("15m", Place("time", time=datetime(2026, 1, 31, 10, 45, tzinfo=UTC))),
        ("2026-01-31T12:00:00Z", Place("time", time=datetime(2026, 1, 31, 12, tzinfo=UTC))),
        ("2026-01-31T12:00:00+02:00", Place("time", time=datetime(2026, 1, 31, 10, tzinfo=UTC))),
        ("0" * 29 + "3", Place("sequence_number", sequence_number="0" * 29 + "3")),
    ],
)
def test_places_are_read(text: str, expected: Place) -> None:
    assert place.parse(text, NOW) == expected


def test_a_time_without_a_zone_is_local() -> None:
    local = datetime(2026, 1, 31, 12).astimezone()

    assert place.parse("2026-01-31T12:00:00", NOW).time == local


@pytest.mark.parametrize("text", ["", "yesterday", "15", "15x", "9999999d", "0" * 29, "2026-13-01"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageFailed, match="--from"):
        place.parse(text, NOW)


def test_a_sequence_number_names_its_shard() -> None:
    assert place.parse("0" * 28 + "12", NOW).shard_id == "shardId-000000000012"
    assert place.parse("oldest", NOW).shard_id == ""


def test_a_shard_may_be_named_by_its_number() -> None:
    assert [place.shard_id(text) for text in ("3", "shardId-000000000003", "")] == [
        "shardId-000000000003",
        "shardId-000000000003",
        "",
    ]
