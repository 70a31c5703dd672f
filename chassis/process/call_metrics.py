"""What is counted of each call that the server answers: how it ended and how long it took."""

from time import perf_counter

from chassis.metrics import Family, Histogram, Kind, Metric, Sample, single

CALL_SECONDS = Metric(
    name="rpc_server_call_duration_seconds",
    kind=Kind.HISTOGRAM,
    help="Time from the arrival of a call to its answer, in seconds, by method and status code; a streaming call "
    "counts when it ends. Calls of the health and reflection services are among them.",
    labels=("rpc_method", "rpc_response_status_code"),
    bounds=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
CALLS_ACTIVE = Metric(
    name="rpc_server_active_calls",
    kind=Kind.GAUGE,
    help="Calls that are being answered now, by method; waiting reads and watches are among them.",
    labels=("rpc_method",),
)
REFUSALS_UNLOGGED = Metric(
    name="millrace_refusals_not_logged",
    kind=Kind.COUNTER,
    help="Refused calls that got no line in the log, because there were too many in one second.",
)
METRICS = (CALL_SECONDS, CALLS_ACTIVE, REFUSALS_UNLOGGED)


class MethodMeter:
    """Counts the calls of one method. Used on the event loop."""

    __slots__ = ("_ended", "_name", "active")

    def __init__(self, name: str) -> None:
        self._name = name
        self._ended: dict[str, Histogram] = {}
        self.active = 0
        """Calls that have begun and not ended."""

    def begin(self) -> float:
        """A call begins; the answer is for `end`."""
        self.active += 1
        return perf_counter()

    def end(self, begun: float, code: str) -> None:
        """The call ended with the status code of this name."""
        self.active -= 1
        ended = self._ended.get(code)
        if ended is None:
            ended = self._ended[code] = Histogram(CALL_SECONDS.bounds)
        ended.observe(perf_counter() - begun)

    def ended(self) -> list[Sample]:
        """The calls that ended, by code."""
        return [Sample((self._name, code), histogram.read()) for code, histogram in self._ended.items()]


class CallMeter:
    """Counts the calls of a server. It knows only methods that the server has, so it has a bound."""

    def __init__(self) -> None:
        self._methods: dict[str, MethodMeter] = {}
        self.refusals_unlogged = 0

    def method(self, path: str) -> MethodMeter:
        """The meter of a method: `/package.Service/Method`."""
        name = path.removeprefix("/")
        return self._methods.setdefault(name, MethodMeter(name))

    def families(self) -> list[Family]:
        """What was counted so far."""
        meters = list(self._methods.items())
        return [
            Family(CALL_SECONDS, [sample for _, meter in meters for sample in meter.ended()]),
            Family(CALLS_ACTIVE, [Sample((name,), meter.active) for name, meter in meters]),
            single(REFUSALS_UNLOGGED, self.refusals_unlogged),
        ]
