"""What every poller of this process shares."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from mapping_service.core.moment import Moment
from mapping_service.core.ports import Clock, HandlerClient, StreamSource
from mapping_service.pollers import timers
from mapping_service.pollers.budget import Budget
from mapping_service.pollers.handler_directory import HandlerDirectory
from mapping_service.pollers.results import Results
from mapping_service.pollers.timers import CallLater
from mapping_service.stores import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The storage, the network, the clocks and the budgets."""

    worker_id: str
    """This process's name in the lease table; new at each start."""
    storage: Storage
    source: StreamSource
    handlers: HandlerClient
    directory: HandlerDirectory
    clock: Clock
    service_millis: Callable[[], int | None]
    """The stream service's clock; None before anything was heard of it."""
    results: Results
    budget: Budget = field(default_factory=Budget)
    call_later: CallLater = timers.call_later
    chance: Callable[[], float] = random.random
    """A random number, at least 0 and below 1."""

    def now(self) -> Moment:
        """This moment. Before the stream service was heard its clock is 0: nothing is expired then."""
        return Moment(monotonic=self.clock.monotonic(), service_millis=self.service_millis() or 0, random=self.chance())
