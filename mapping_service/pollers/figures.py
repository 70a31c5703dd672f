"""What there is to tell of a mapping in numbers, for whoever watches the process."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.metrics import Distribution, Histogram
from mapping_service.core import tally
from mapping_service.core.mapping import EventSourceMapping
from mapping_service.core.shard_events import Phase
from mapping_service.core.tally import Tally
from mapping_service.pollers.shard_poller import ShardPoller

INVOKE_SECONDS_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFigures:
    """One mapping at this moment; the counts are since the process began."""

    mapping: EventSourceMapping
    tally: Tally
    invokes: Distribution
    """How long its calls took, in seconds, between INVOKE_SECONDS_BOUNDS."""
    waited_millis: int | None
    """The age of the oldest record that waits in any of its shards; None while none of them is polled."""
    phases: Counter[Phase]
    """How many of its shards are in which phase."""


class Keeper:
    """Keeps what outlives a poller: the counts of those that stopped, and the times of all calls."""

    def __init__(self) -> None:
        self._stopped = tally.NOTHING
        self.invokes = Histogram(INVOKE_SECONDS_BOUNDS)

    def keep(self, poller: ShardPoller) -> None:
        """A poller stopped."""
        self._stopped = self._stopped.plus(poller.tally)

    def figures(self, mapping: EventSourceMapping, pollers: Sequence[ShardPoller]) -> MappingFigures:
        """The mapping with those pollers that run."""
        total = self._stopped
        for poller in pollers:
            total = total.plus(poller.tally)
        return MappingFigures(
            mapping=mapping,
            tally=total,
            invokes=self.invokes.read(),
            waited_millis=max((poller.waited_millis for poller in pollers), default=None),
            phases=Counter(poller.phase for poller in pollers),
        )
