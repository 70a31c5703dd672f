"""What is counted of each commit: how much shared it, and how long the disk took."""

from chassis.metrics import Family, Histogram, Kind, Metric, single

COMMIT_SECONDS = Metric(
    name="millrace_commit_duration_seconds",
    kind=Kind.HISTOGRAM,
    help="Time that the COMMIT of a transaction took, in seconds: mostly the fsync of the write-ahead log.",
    bounds=(0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
COMMIT_REQUESTS = Metric(
    name="millrace_commit_requests",
    kind=Kind.HISTOGRAM,
    help="Requests that shared a commit (group commit).",
    bounds=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
)
COMMIT_BYTES = Metric(
    name="millrace_commit_size_bytes",
    kind=Kind.HISTOGRAM,
    help="Bytes of the requests that shared a commit: of a put its keys and data, of any other change a flat size.",
    bounds=(1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 8_388_608, 16_777_216),
)
WAITING_BYTES = Metric(
    name="millrace_write_waiting_bytes",
    kind=Kind.GAUGE,
    help="Bytes of requests that wait to be written; at 64 MiB new ones are refused as OVERLOADED.",
)
METRICS = (COMMIT_SECONDS, COMMIT_REQUESTS, COMMIT_BYTES, WAITING_BYTES)


class CommitMeter:
    """Counts commits. Told on the writer's thread alone."""

    def __init__(self) -> None:
        self._seconds = Histogram(COMMIT_SECONDS.bounds)
        self._requests = Histogram(COMMIT_REQUESTS.bounds)
        self._bytes = Histogram(COMMIT_BYTES.bounds)

    def committed(self, *, requests: int, size_bytes: int, seconds: float) -> None:
        """A commit is on disk."""
        self._seconds.observe(seconds)
        self._requests.observe(requests)
        self._bytes.observe(size_bytes)

    def families(self, *, waiting_bytes: int) -> list[Family]:
        """What was counted so far, and what waits now."""
        return [
            single(COMMIT_SECONDS, self._seconds.read()),
            single(COMMIT_REQUESTS, self._requests.read()),
            single(COMMIT_BYTES, self._bytes.read()),
            single(WAITING_BYTES, waiting_bytes),
        ]
