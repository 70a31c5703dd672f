"""A mapping's last_processing_result, made of what its shards say, and stored when it changes."""

import asyncio
from dataclasses import dataclass, field

import structlog

from chassis.errors import DomainError
from mapping_service.core import reporter
from mapping_service.core.mapping import NO_RECORDS_PROCESSED
from mapping_service.pollers import timers
from mapping_service.pollers.timers import CallLater, Timer
from mapping_service.stores import Storage, Stores

_log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.5
"""Changes of so long are stored together: shards that take turns at failing cost no commit each."""

RESULT_LENGTH_MAX = 1_000


@dataclass(slots=True)
class _Said:
    result: str
    problem: str | None = None
    shard_problems: dict[str, str] = field(default_factory=dict)
    stored: str = NO_RECORDS_PROCESSED

    @property
    def text(self) -> str:
        problem = self.problem or next(iter(self.shard_problems.values()), None)
        return (self.result if problem is None else reporter.PROBLEM + problem)[:RESULT_LENGTH_MAX]


class Results:
    """What all mappings say. A problem of the mapping goes before one of a shard, that before the last result."""

    def __init__(self, storage: Storage, *, call_later: CallLater = timers.call_later) -> None:
        self._storage = storage
        self._call_later = call_later
        self._said: dict[str, _Said] = {}
        self._changed: set[str] = set()
        self._timer: Timer | None = None
        self._storing: asyncio.Task[None] | None = None

    def know(self, mapping_id: str, stored: str) -> None:
        """A mapping is looked after from now on; this is stored of it. Known already: nothing.

        What kept it in the last process may not keep it now: of a stored problem only a failed batch counts.
        """
        if mapping_id not in self._said:
            result = stored if stored in (reporter.OK, reporter.CALL_FAILED) else NO_RECORDS_PROCESSED
            self._said[mapping_id] = _Said(result=result, stored=stored)

    def forget(self, mapping_id: str) -> None:
        """A mapping is gone."""
        self._said.pop(mapping_id, None)
        self._changed.discard(mapping_id)

    def report(self, mapping_id: str, shard_id: str, *, result: str | None, problem: str | None) -> None:
        """A shard says what its last batch came to, and what keeps it now."""
        said = self._said.get(mapping_id)
        if said is None:
            return
        said.result = result or said.result
        if problem is None:
            said.shard_problems.pop(shard_id, None)
        else:
            said.shard_problems[shard_id] = problem
        self._mark(mapping_id, said)

    def forget_shard(self, mapping_id: str, shard_id: str) -> None:
        """A shard is not polled any more: its problem is none."""
        self.report(mapping_id, shard_id, result=None, problem=None)

    def set_problem(self, mapping_id: str, problem: str | None) -> None:
        """Something keeps the whole mapping; None when nothing does any more."""
        said = self._said.get(mapping_id)
        if said is not None:
            said.problem = problem
            self._mark(mapping_id, said)

    async def stop(self) -> None:
        """Store what is not stored yet."""
        if self._timer is not None:
            self._timer.cancel()
        if self._storing is not None:
            await asyncio.wait({self._storing})
        await self.run()

    async def run(self) -> None:
        """Store what changed; if that fails only what people see is late."""
        changed = self._changed
        try:
            await self.run_once()
        except DomainError as error:
            _log.warning("results_not_stored", reason=error.reason)
            self._changed |= changed
            self._store_later()

    async def run_once(self) -> int:
        """Store what changed, in one transaction; answers how many mappings that concerned."""
        changed = {each: self._said[each].text for each in self._changed if each in self._said}
        self._changed = set()
        if not changed:
            return 0

        def store(stores: Stores) -> None:
            for mapping_id, text in changed.items():
                stores.mappings.set_result(mapping_id, text)

        # Also on a full disk, where it is what tells people: it replaces a short text, and needs no room of its own.
        await self._storage.write(store, frees_space=True)
        for mapping_id, text in changed.items():
            if mapping_id in self._said:
                self._said[mapping_id].stored = text
        return len(changed)

    def _mark(self, mapping_id: str, said: _Said) -> None:
        if said.text == said.stored:
            self._changed.discard(mapping_id)
            return
        self._changed.add(mapping_id)
        self._store_later()

    def _store_later(self) -> None:
        if self._timer is None:
            self._timer = self._call_later(GATHER_SECONDS, self._begin_to_store)

    def _begin_to_store(self) -> None:
        self._timer = None
        self._storing = asyncio.create_task(self.run(), name="store results")
