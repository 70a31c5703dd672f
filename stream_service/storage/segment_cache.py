"""The newest segments in memory, so that readers at the tip, and several readers of one shard, need not ask the disk.

A segment is found by the number before its first, which is where a reader stands that read everything before it. What
is in here was committed, and its checksum held when it was read or made.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from stream_service.storage.segment import Segment

BYTES_MAX = 24 << 20


class SegmentCache:
    """Segments by shard and previous number; the least lately used go first. Used from all threads."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._segments: OrderedDict[tuple[int, int], Segment] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Bytes of payload and index that are held."""
        return self._bytes

    def add(self, segment: Segment) -> None:
        """Keep a committed, sound segment."""
        key = (segment.shard_key, segment.previous_last)
        with self._lock:
            if key in self._segments:
                return
            self._segments[key] = segment
            self._bytes += _size(segment)
            while self._bytes > self._bytes_max:
                self._bytes -= _size(self._segments.popitem(last=False)[1])

    def after(self, shard_key: int, position: int) -> Segment | None:
        """The segment that follows directly on a position; None if it is not here."""
        with self._lock:
            found = self._segments.get((shard_key, position))
            if found is not None:
                self._segments.move_to_end((shard_key, position))
            return found


def _size(segment: Segment) -> int:
    return len(segment.payload) + len(segment.record_index)
