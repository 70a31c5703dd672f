"""All metrics of the mapping service; they can be listed without starting it.

A mapping's series are there as long as the mapping, and no label names a shard, a key or a record: they have a bound.
"""

from collections.abc import Callable, Sequence

from chassis.database import commit_metrics
from chassis.metrics import Family, Kind, Metric, Sample, single
from chassis.process import call_metrics, metrics_page
from mapping_service.core.dead_letter import Condition
from mapping_service.core.shard_events import Phase
from mapping_service.core.tally import Tally
from mapping_service.pollers.figures import INVOKE_SECONDS_BOUNDS, MappingFigures

_OF_MAPPING = ("mapping_id",)


def _counter(name: str, help: str, *labels: str) -> Metric:
    return Metric(name=f"millrace_mapping_{name}", kind=Kind.COUNTER, help=help, labels=(*_OF_MAPPING, *labels))


INFO = Metric(
    name="millrace_mapping_info",
    kind=Kind.GAUGE,
    help="Always 1; the labels say which stream a mapping reads, which handler it calls, and its state.",
    labels=(*_OF_MAPPING, "stream_name", "handler_name", "state"),
)
ITERATOR_AGE = Metric(
    name="millrace_mapping_iterator_age_seconds",
    kind=Kind.GAUGE,
    help="Age of the oldest record that waits to be handled, over all shards of the mapping; 0 when nothing waits. It "
    "rises while a handler fails or is away. Missing while no shard is polled, as when the mapping is disabled.",
    labels=_OF_MAPPING,
)
DELIVERED = _counter("records_delivered", "Records that the handler handled.")
INVOCATIONS = _counter(
    "invocations",
    "Calls of the handler by what came of them: succeeded; partial (it handled the first records of the batch); failed "
    "(it cost an attempt); held (not reached, or asked to wait: it cost none).",
    "outcome",
)
RETRIES = _counter("retries", "Times that a batch was put off to be sent again.")
BISECTIONS = _counter("bisections", "Times that a failing batch was split in two.")
DISCARDED = _counter(
    "records_discarded",
    "Records that were given up: RetryAttemptsExhausted (the attempts were used up) or RecordAgeExceeded (too old).",
    "condition",
)
DEAD_LETTERS = _counter("dead_letters", "Dead letters that were made of discarded records.")
MISSED = _counter("records_missed", "Records that retention trimmed before they were read: raise the retention.")
INVOKE_SECONDS = Metric(
    name="millrace_mapping_invoke_duration_seconds",
    kind=Kind.HISTOGRAM,
    help="Time that a call of the handler took, in seconds, whatever came of it.",
    labels=_OF_MAPPING,
    bounds=INVOKE_SECONDS_BOUNDS,
)
SHARDS = Metric(
    name="millrace_shards",
    kind=Kind.GAUGE,
    help="Shards that are polled, over all mappings, by phase: POLLING, FILLING_BATCH, INVOKING, BACKING_OFF (a batch "
    "failed and waits), DRAINING.",
    labels=("phase",),
)
BUDGET_BYTES = Metric(
    name="millrace_poller_bytes",
    kind=Kind.GAUGE,
    help="Bytes of records that the pollers hold or are reading; at most about 64 MiB.",
)
STREAM_SERVICE_UP = Metric(
    name="millrace_stream_service_connected",
    kind=Kind.GAUGE,
    help="1 while the stream service is connected, else 0.",
)
METRICS = (
    *call_metrics.METRICS,
    *commit_metrics.METRICS,
    INFO,
    ITERATOR_AGE,
    DELIVERED,
    INVOCATIONS,
    RETRIES,
    BISECTIONS,
    DISCARDED,
    DEAD_LETTERS,
    MISSED,
    INVOKE_SECONDS,
    SHARDS,
    BUDGET_BYTES,
    STREAM_SERVICE_UP,
    *metrics_page.METRICS,
)
"""Beside these, what `metrics_page.process_metrics()` lists."""


def of_mappings(figures: Sequence[MappingFigures]) -> list[Family]:
    """All that is told of each mapping."""
    return [
        Family(INFO, [Sample(_info(each), 1) for each in figures]),
        Family(
            ITERATOR_AGE,
            [
                Sample((each.mapping.mapping_id,), each.waited_millis / 1000)
                for each in figures
                if each.waited_millis is not None
            ],
        ),
        _counted(DELIVERED, figures, lambda tally: {(): tally.delivered}),
        _counted(INVOCATIONS, figures, _outcomes),
        _counted(RETRIES, figures, lambda tally: {(): tally.retries}),
        _counted(BISECTIONS, figures, lambda tally: {(): tally.bisections}),
        _counted(DISCARDED, figures, _conditions),
        _counted(DEAD_LETTERS, figures, lambda tally: {(): tally.dead_letters}),
        _counted(MISSED, figures, lambda tally: {(): tally.missed}),
        Family(INVOKE_SECONDS, [Sample((each.mapping.mapping_id,), each.invokes) for each in figures]),
        Family(SHARDS, [Sample((str(phase),), sum(each.phases[phase] for each in figures)) for phase in Phase]),
    ]


def present(*, poller_bytes: int, is_connected: bool) -> list[Family]:
    """What is so of the mapping service now."""
    return [single(BUDGET_BYTES, poller_bytes), single(STREAM_SERVICE_UP, float(is_connected))]


def _info(figures: MappingFigures) -> tuple[str, ...]:
    mapping = figures.mapping
    return (mapping.mapping_id, mapping.stream_name, mapping.handler_name, str(mapping.state))


def _counted(
    metric: Metric, figures: Sequence[MappingFigures], read: Callable[[Tally], dict[tuple[str, ...], int]]
) -> Family:
    """A counter of all mappings; `read` answers its counts by the labels behind the mapping's id."""
    samples = [
        Sample((each.mapping.mapping_id, *labels), count)
        for each in figures
        for labels, count in read(each.tally).items()
    ]
    return Family(metric, samples)


def _outcomes(tally: Tally) -> dict[tuple[str, ...], int]:
    return {
        ("succeeded",): tally.succeeded,
        ("partial",): tally.partial,
        ("failed",): tally.failed,
        ("held",): tally.held,
    }


def _conditions(tally: Tally) -> dict[tuple[str, ...], int]:
    return {
        (str(Condition.RETRY_ATTEMPTS_EXHAUSTED),): tally.exhausted,
        (str(Condition.RECORD_AGE_EXCEEDED),): tally.expired,
    }
