from pathlib import Path

import pytest

from tests.support import power_cut, power_cut_notes

pytestmark = pytest.mark.skipif(power_cut.STRACE is None, reason="strace is not installed")

WORDS = 60


def cut(folder: Path, synchronous: str) -> power_cut.Verdict:
    events = power_cut.trace("tests.support.power_cut_notes", folder / "run", str(WORDS), synchronous)
    return power_cut.check(events, power_cut_notes.stored, folder / "cuts", subsets=2)


def test_decision_1_no_power_cut_loses_what_was_acknowledged(tmp_path: Path) -> None:
    verdict = cut(tmp_path, "FULL")

    assert verdict.losses == []
    assert verdict.acknowledged == WORDS
    assert verdict.states > WORDS


def test_decision_1_the_same_check_finds_what_synchronous_NORMAL_loses(tmp_path: Path) -> None:
    assert cut(tmp_path, "NORMAL").losses
