from __future__ import annotations

import pytest
from millrace_cli.bench import run, tally
from millrace_cli.bench.tally import Tally
from millrace_cli.failure import UsageFailed


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [([], 0.5, 0.0), ([7.0], 0.99, 7.0), ([1.0, 2.0], 0.5, 1.0), ([float(each) for each in range(1, 101)], 0.99, 99.0)],
)
def test_a_percentile_is_a_value_that_was_measured(values: list[float], share: float, wanted: float) -> None:
    assert tally.percentile(values, share) == wanted


def test_rates_are_over_the_whole_time_and_latencies_over_calls() -> None:
    counted = Tally()
    counted.add(0.5, records=90, data_bytes=3 * tally.MIB, refused=10)
    counted.add(0.1, records=10, data_bytes=1 * tally.MIB)

    row = tally.row("put", counted, 2.0)

    assert (row["calls"], row["records"], row["refused_records"]) == (2, 100, 10)
    assert (row["records_per_second"], row["mib_per_second"]) == (50.0, 2.0)
    assert (row["p50_millis"], row["p99_millis"], row["max_millis"]) == (100.0, 500.0, 500.0)


def test_a_phase_in_which_nothing_was_answered_is_zero() -> None:
    row = tally.row("put", Tally(), 0.0)

    assert (row["records_per_second"], row["p99_millis"]) == (0.0, 0.0)


def asked(size: str, batch: int) -> run.Asked:
    return run.Asked(seconds=1.0, size=size, concurrency=1, batch=batch, shards=1)


def test_a_record_and_a_call_of_records_must_fit() -> None:
    with pytest.raises(UsageFailed, match="a record has at most 10 MiB"):
        run.shape_of(asked("10MiB", 1))
    with pytest.raises(UsageFailed, match="--batch 9 fits"):
        run.shape_of(asked("1MiB", 10))
    assert run.shape_of(asked("1MiB", 9)).size_bytes == tally.MIB
