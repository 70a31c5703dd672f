"""The use cases of the stream service on a storage of the tests."""

from __future__ import annotations

from stream_service import heads, service
from stream_service.core import iterator
from tests.support.stream_records import World

KEY = b"k" * 32


class StreamHouse:
    """What stands behind the servicer, plugged together as app.py does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.heads = heads.Heads(world.records)
        world.listeners.append(self.heads.on_committed)
        self.service = service.StreamService(world.records, self.heads, iterator.Signer(KEY), world.clock)
