"""Writes metrics down in the formats that Prometheus reads. The one place that knows prometheus_client."""

from collections.abc import Iterable, Sequence
from importlib import metadata
from itertools import accumulate

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Written
from prometheus_client.registry import Collector

from chassis.metrics import Distribution, Family, Kind, Metric, Sample

BUILD_INFO = Metric(
    name="millrace_build_info",
    kind=Kind.GAUGE,
    help="Always 1; the label says which version of Millrace runs.",
    labels=("version",),
)
METRICS = (BUILD_INFO,)


def render(families: Sequence[Family], *, accept: str = "") -> tuple[bytes, str]:
    """The families and what there is to say of the process, as text, and its content type.

    That is OpenMetrics for those who accept it, else Prometheus's own text.
    """
    write, content_type = exposition.choose_encoder(accept)
    return write(_Page(families)), content_type


def process_metrics() -> tuple[Metric, ...]:
    """What is said of the process itself, which the library knows how to ask for: for the documents."""
    found = [written for collector in _process_collectors() for written in collector.collect()]
    return tuple(Metric(name=each.name, kind=Kind(each.type), help=each.documentation) for each in found)


class _Page(Collector):
    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Written]:
        build = Family(BUILD_INFO, (Sample((metadata.version("millrace"),), 1.0),))
        for family in (build, *self._families):
            yield _written(family)
        for collector in _process_collectors():
            yield from collector.collect()


def _process_collectors() -> tuple[Collector, ...]:
    """With a registry of their own: the library's global one is left alone."""
    aside = CollectorRegistry()
    return (ProcessCollector(registry=aside), PlatformCollector(registry=aside))


def _written(family: Family) -> Written:
    metric, labels = family.metric, family.metric.labels
    if metric.kind is Kind.HISTOGRAM:
        return _histogram(family)
    if metric.kind is Kind.COUNTER:
        counter = CounterMetricFamily(metric.name, metric.help, labels=labels)
        for sample in family.samples:
            counter.add_metric(sample.labels, _number(sample))
        return counter
    gauge = GaugeMetricFamily(metric.name, metric.help, labels=labels)
    for sample in family.samples:
        gauge.add_metric(sample.labels, _number(sample))
    return gauge


def _histogram(family: Family) -> HistogramMetricFamily:
    metric = family.metric
    written = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    names = [*(str(float(bound)) for bound in metric.bounds), "+Inf"]
    for labels, value in family.samples:
        assert isinstance(value, Distribution), "a histogram's value is a distribution"
        buckets = list(zip(names, map(float, accumulate(value.counts)), strict=True))
        written.add_metric(labels, buckets, value.sum)
    return written


def _number(sample: Sample) -> float:
    assert not isinstance(sample.value, Distribution), "only a histogram's value is a distribution"
    return float(sample.value)
