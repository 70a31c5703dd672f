"""Rule C2: a jump of the wall clock moves neither numbers far nor horizons fast."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream_service.core.reckoning import Reckoning, next_horizon_millis

NOW = 1_700_000_000_000
HOUR = 3_600_000
DAY_SECONDS = 86_400.0


def test_c2_small_steps_are_followed() -> None:
    reckoned = Reckoning(unix_millis=NOW, monotonic=0.0).observe(NOW + HOUR, 0.0)
    assert reckoned.number_millis(NOW + HOUR, 0.0) == NOW + HOUR


def test_c2_a_number_leads_the_reckoned_time_by_an_hour_at_most() -> None:
    far = NOW + 100 * HOUR
    reckoned = Reckoning(unix_millis=NOW, monotonic=0.0).observe(far, 1.0)
    assert reckoned.number_millis(far, 1.0) == NOW + 1000 + HOUR


def test_c2_a_step_is_believed_after_a_day() -> None:
    far = NOW + 100 * HOUR
    reckoned = Reckoning(unix_millis=NOW, monotonic=0.0).observe(far, 1.0)
    almost = reckoned.observe(far + 86_399_000, DAY_SECONDS)
    assert almost.number_millis(far + 86_399_000, DAY_SECONDS) == NOW + 86_400_000 + HOUR
    done = almost.observe(far + 86_400_000, DAY_SECONDS + 1.0)
    assert done.number_millis(far + 86_400_000, DAY_SECONDS + 1.0) == far + 86_400_000


def test_c2_a_step_that_was_taken_back_is_forgotten() -> None:
    reckoned = Reckoning(unix_millis=NOW, monotonic=0.0).observe(NOW + 100 * HOUR, 1.0).observe(NOW + 2_000, 2.0)
    assert reckoned.stepped_at is None
    late = reckoned.observe(NOW + 200 * HOUR, DAY_SECONDS + 3.0)
    assert late.stepped_at == DAY_SECONDS + 3.0


def test_c2_a_step_back_is_followed_by_numbers_at_once() -> None:
    reckoned = Reckoning(unix_millis=NOW, monotonic=0.0).observe(NOW - 100 * HOUR, 1.0)
    assert reckoned.number_millis(NOW - 100 * HOUR, 1.0) == NOW - 100 * HOUR


@given(st.integers(-(10**14), 10**14), st.floats(0, 10**6))
def test_c2_no_look_at_the_clocks_lets_a_number_lead_by_more_than_an_hour(jump: int, passed: float) -> None:
    begin = Reckoning(unix_millis=NOW, monotonic=0.0)
    wall = NOW + int(passed * 1000) + jump
    led = begin.observe(wall, passed).number_millis(wall, passed) - begin.reckoned_millis(passed)
    assert led <= HOUR


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**15), st.integers(86_400, 31_536_000), st.floats(0, 10**6))
def test_c2_the_horizon_moves_forward_only_and_by_twice_the_passed_time_at_most(
    horizon: int, now: int, retention: int, passed: float
) -> None:
    moved = next_horizon_millis(horizon, now_millis=now, retention_seconds=retention, passed_seconds=passed)
    assert horizon <= moved <= horizon + 2000 * passed
    assert moved == horizon or moved <= now - retention * 1000
