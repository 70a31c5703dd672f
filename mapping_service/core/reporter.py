"""What a shard says about itself, told only when it changes."""

from mapping_service.core.outcome import Failed, Held, Outcome
from mapping_service.core.shard_events import Report

OK = "OK"
PROBLEM = "PROBLEM: "
CALL_FAILED = "PROBLEM: handler call failed"


class Reporter:
    """Gathers the last result and the present problems of a shard."""

    def __init__(self) -> None:
        self.result: str | None = None
        self.reading_problem: str | None = None
        self.storing_problem: str | None = None
        self._told: tuple[str | None, str | None] = (None, None)

    def change(self) -> Report | None:
        """What changed since it was asked last; None when nothing did."""
        now = (self.result, self.storing_problem or self.reading_problem)
        if now == self._told:
            return None
        self._told = now
        return Report(result=now[0], problem=now[1])


def result_of(outcome: Outcome) -> str:
    """The last_processing_result that an outcome makes. A valid partial answer is OK, whatever it names."""
    if isinstance(outcome, Held):
        return PROBLEM + outcome.problem
    if isinstance(outcome, Failed) and not outcome.is_valid_answer:
        return CALL_FAILED
    return OK
