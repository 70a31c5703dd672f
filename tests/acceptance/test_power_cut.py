"""Acknowledged means on disk: a traced run of puts is cut at every write, and every acknowledged record is there."""

import os
from pathlib import Path

import pytest

from tests.support import power_cut, power_cut_stream

pytestmark = pytest.mark.skipif(power_cut.STRACE is None, reason="strace is not installed")

IS_FULL = os.environ.get("MILLRACE_TEST_SCALE") == "full"
ROUNDS = 24 if IS_FULL else 8
SUBSETS = 6 if IS_FULL else 1


def cut(folder: Path, synchronous: str, *, is_one_loss_enough: bool = False) -> power_cut.Verdict:
    events = power_cut.trace("tests.support.power_cut_stream", folder / "run", str(ROUNDS), synchronous)
    return power_cut.check(
        events,
        power_cut_stream.stored,
        folder / "cuts",
        subsets=SUBSETS,
        is_one_loss_enough=is_one_loss_enough,
    )


@pytest.mark.timeout(600)
def test_decision_1_no_power_cut_loses_an_acknowledged_record(tmp_path: Path) -> None:
    verdict = cut(tmp_path, "FULL")

    assert verdict.losses == []
    assert verdict.acknowledged == ROUNDS * power_cut_stream.RECORDS_PER_ROUND
    assert verdict.states > ROUNDS * 10


@pytest.mark.timeout(600)
def test_decision_1_the_same_check_with_synchronous_NORMAL_finds_lost_records(tmp_path: Path) -> None:
    assert cut(tmp_path, "NORMAL", is_one_loss_enough=True).losses
