from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from millrace_sdk import ProducerSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"linger_seconds": -0.1},
        {"call_records_max": 0},
        {"call_records_max": 501},
        {"call_bytes_max": 10 * 1024 * 1024 + 1},
        {"buffered_records_max": 0},
        {"buffered_bytes_max": 0},
        {"delivery_timeout_seconds": 0},
        {"call_timeout_seconds": float("nan")},
        {"backoff_seconds_base": 0},
        {"backoff_seconds_base": 3, "backoff_seconds_max": 2},
        {"relist_seconds_min": -1},
    ],
)
def test_a_value_out_of_range_is_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(reversed(wrong))):
        ProducerSettings(**wrong)  # type: ignore[arg-type]  # fields by name


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_pause_is_never_longer_than_the_bound_and_never_negative(failures: int, chance: float) -> None:
    settings = ProducerSettings(backoff_seconds_base=0.05, backoff_seconds_max=2)

    assert 0 <= settings.backoff_seconds(failures, chance) <= 2


def test_the_longest_pause_doubles_with_each_failure() -> None:
    settings = ProducerSettings(backoff_seconds_base=0.05, backoff_seconds_max=2)

    pauses = [settings.backoff_seconds(failures, 1.0) for failures in range(1, 8)]

    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2]
