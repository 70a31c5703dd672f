from __future__ import annotations

from datetime import timedelta

import pytest
from millrace_cli import quantity
from millrace_cli.failure import UsageFailed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("36h", 129_600), ("7d", 604_800), ("1.5h", 5_400), ("250ms", 0.25)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert quantity.duration(text, "--retention").total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "7", "7y", "-1s", "s", "1e9d", "99999999999999d"])
def test_what_is_no_duration_is_refused_with_its_option(text: str) -> None:
    with pytest.raises(UsageFailed, match="--retention"):
        quantity.duration(text, "--retention")


@pytest.mark.parametrize(
    ("text", "size"), [("1048576", 1 << 20), ("1MiB", 1 << 20), ("512 kib", 1 << 19), ("1MB", 10**6)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert quantity.size_bytes(text, "--max-record-size") == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1XB"])
def test_what_is_no_size_is_refused_with_its_option(text: str) -> None:
    with pytest.raises(UsageFailed, match="--max-record-size"):
        quantity.size_bytes(text, "--max-record-size")


def test_durations_and_sizes_are_shown_in_their_largest_exact_unit() -> None:
    shown = [quantity.duration_text(timedelta(hours=each)) for each in (24, 36)]

    assert [*shown, quantity.duration_text(timedelta(seconds=90))] == ["1d", "36h", "90s"]
    assert [quantity.size_text(each) for each in (1 << 20, 1_500_000)] == ["1 MiB", "1500000 bytes"]


def test_a_pair_is_cut_at_its_first_equals_sign() -> None:
    assert quantity.pair("a=b=c", "--tag") == ("a", "b=c")
    assert quantity.pair("a=", "--tag") == ("a", "")
    for text in ("a", "=b", ""):
        with pytest.raises(UsageFailed, match="--tag"):
            quantity.pair(text, "--tag")
