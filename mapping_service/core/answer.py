"""What came back from a handler, before anybody judges it. `outcome` judges."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InBandError:
    """The handler answered that the whole batch failed."""

    type: str = ""
    message: str = ""
    retryable: bool = True
    """False: sending the batch again does not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The handler answered."""

    failures: tuple[str | None, ...] = ()
    """Sequence numbers of the batch item failures as they came, right or wrong."""
    error: InBandError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """The call ended with a gRPC error, or could not be made."""

    code: str
    """Name of the gRPC status code. A call that could not be made at all is UNAVAILABLE with began_ready=False."""
    message: str = ""
    """For people. With began_ready=False it is our own, short, and shown as the mapping's PROBLEM."""
    began_ready: bool = True
    """Whether the channel was connected when the call began."""
    retry_after_seconds: float | None = None
    """The status's RetryInfo; None when there was none."""


Answer = Answered | CallFailed
