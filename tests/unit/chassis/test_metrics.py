from itertools import pairwise

import pytest

from chassis import metrics
from chassis.metrics import Distribution, Histogram, Kind, Metric
from chassis.process import metrics_page
from mapping_service import metrics as mapping_metrics
from stream_service import metrics as stream_metrics

ALL = {"stream": stream_metrics.METRICS, "mapping": mapping_metrics.METRICS}


def test_a_value_that_equals_a_bound_is_within_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)

    assert histogram.read() == Distribution((2, 2, 1), 7.5)


def test_what_was_read_does_not_change_any_more() -> None:
    histogram = Histogram((1.0,))
    before = histogram.read()
    histogram.observe(1)

    assert before == Distribution((0, 0), 0.0)


@pytest.mark.parametrize("service", ALL)
def test_every_metric_is_named_once_and_explained(service: str) -> None:
    listed = ALL[service]

    assert len({metric.name for metric in listed}) == len(listed) > 10
    for metric in listed:
        assert len(metric.help) > 20, metric.name
        assert metric.help.endswith("."), metric.name
        assert not metric.name.endswith("_total"), "a counter's ending is added when it is shown"
        assert (metric.kind is Kind.HISTOGRAM) == bool(metric.bounds), metric.name
        assert all(low < high for low, high in pairwise(metric.bounds)), metric.name


@pytest.mark.parametrize("service", ALL)
def test_no_label_can_name_a_key_a_record_or_a_shard(service: str) -> None:
    labels = {label for metric in ALL[service] for label in metric.labels}

    assert labels <= {
        "rpc_method",
        "rpc_response_status_code",
        "version",
        "mapping_id",
        "stream_name",
        "handler_name",
        "state",
        "outcome",
        "condition",
        "phase",
    }


def test_the_page_says_what_was_counted_in_both_formats() -> None:
    calls = Metric(name="mill_calls", kind=Kind.COUNTER, help="Calls.", labels=("method",))
    times = Metric(name="mill_seconds", kind=Kind.HISTOGRAM, help="Times.", bounds=(0.5, 2))
    families = [
        metrics.Family(calls, [metrics.Sample(('a"b\n',), 3)]),
        metrics.single(times, Distribution((1, 2, 1), 7.0)),
    ]

    text, text_type = metrics_page.render(families)
    modern, modern_type = metrics_page.render(families, accept="application/openmetrics-text; version=1.0.0")

    assert 'mill_calls_total{method="a\\"b\\n"} 3.0' in text.decode()
    assert 'mill_seconds_bucket{le="0.5"} 1.0\nmill_seconds_bucket{le="2.0"} 3.0' in text.decode()
    assert "mill_seconds_count 4.0\nmill_seconds_sum 7.0" in text.decode()
    assert text_type.startswith("text/plain")
    assert modern_type.startswith("application/openmetrics-text")
    assert modern.endswith(b"# EOF\n")
    assert "mill_seconds_count 4.0" in modern.decode()


def test_the_process_is_described_without_a_service() -> None:
    names = {metric.name for metric in metrics_page.process_metrics()}

    assert {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds", "python_info"} <= names
