"""Lines of a stream of bytes, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """A line without its end. A line that was too long is cut; `size_bytes` tells how long it was."""

    data: bytes
    size_bytes: int

    @property
    def is_cut(self) -> bool:
        """Whether only its beginning is here."""
        return self.size_bytes > len(self.data)


class Splitter:
    """Gathers chunks into lines of at most so many bytes. The last line needs no end."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._begun: list[bytes] = []
        self._kept = 0
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end in the chunk."""
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self.take(chunk[start:end])
            yield self._line()
            start = end + 1
        self.take(chunk[start:])

    def close(self) -> Iterator[Line]:
        """What is left: one line, or none."""
        if self._size:
            yield self._line()

    def take(self, piece: bytes) -> None:
        """Gather bytes without looking for an end."""
        self._size += len(piece)
        kept = piece[: self._bytes_max - self._kept]
        if kept:
            self._begun.append(kept)
            self._kept += len(kept)

    def _line(self) -> Line:
        made = Line(b"".join(self._begun), self._size)
        self._begun, self._kept, self._size = [], 0, 0
        return made
