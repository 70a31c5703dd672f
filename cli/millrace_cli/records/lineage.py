"""Which shards to read next, for a reader that follows all: a child comes after all its parents that are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Lineage:
    """The shards that are known, and those that are read to their end."""

    def __init__(self) -> None:
        self._parents: dict[str, frozenset[str]] = {}
        self._started: set[str] = set()
        self._ended: set[str] = set()

    def add(self, shard_id: str, parents: Iterable[str]) -> None:
        """Know a shard. Parents that never become known are none to wait for."""
        self._parents.setdefault(shard_id, frozenset(filter(None, parents)))

    def end(self, shard_id: str) -> None:
        """The shard was read to its end."""
        self._ended.add(shard_id)

    def startable(self) -> Sequence[str]:
        """Shards to read from now on, each named once, in the order of their ids."""
        ready = sorted(
            shard_id
            for shard_id, parents in self._parents.items()
            if shard_id not in self._started and parents & self._parents.keys() <= self._ended
        )
        self._started.update(ready)
        return ready
