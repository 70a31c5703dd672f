"""Runs of records as bytes and columns; no record is ever decoded here (rule D6).

A `Page` is what one read brought: the encoded bytes of `repeated Record records = 1` and, for each record, where it
ends in them, its number and its size. A `Batch` is made of slices of pages, so forming, halving and shortening one
costs the same for a record as for ten thousand.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one read, at least one, in order."""

    payload: bytes
    """Encoded `repeated Record records = 1`; what follows the last record's end is not looked at."""
    ends: Sequence[int]
    """Where each record ends in the payload, counted from its first byte."""
    numbers: Sequence[int]
    """The 64-bit part of each sequence number; rising."""
    sizes: Sequence[int]
    """Bytes of key, data and attributes of each record; never more than its encoded bytes."""

    def __len__(self) -> int:
        return len(self.numbers)

    def whole(self) -> "PageSlice":
        """All of its records."""
        return PageSlice(self, 0, len(self.numbers))


@dataclass(frozen=True, slots=True)
class PageSlice:
    """Some neighbouring records of a page: from `start` up to but without `stop`. Never empty."""

    page: Page
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def first(self) -> int:
        """Number of its first record."""
        return self.page.numbers[self.start]

    @property
    def last(self) -> int:
        """Number of its last record."""
        return self.page.numbers[self.stop - 1]

    @property
    def encoded_bytes(self) -> int:
        """Bytes of its payload: at least `size_bytes`."""
        return self.page.ends[self.stop - 1] - self._offset

    @property
    def size_bytes(self) -> int:
        """Bytes of key, data and attributes of its records: what limits count."""
        return sum(self.page.sizes[self.start : self.stop])

    def payload(self) -> memoryview:
        """Its records, encoded; not a copy."""
        return memoryview(self.page.payload)[self._offset : self.page.ends[self.stop - 1]]

    def fitting(self, size_bytes_max: int) -> int:
        """How many of its first records have at most so many bytes together."""
        if self.encoded_bytes <= size_bytes_max:
            return len(self)
        sums = list(accumulate(self.page.sizes[self.start : self.stop]))
        return bisect_right(sums, size_bytes_max)

    def up_to(self, number: int) -> int:
        """How many of its records have a number of at most this."""
        return bisect_right(self.page.numbers, number, self.start, self.stop) - self.start

    def head(self, count: int) -> "PageSlice":
        """Its first records; the count is at least 1."""
        return PageSlice(self.page, self.start, min(self.start + count, self.stop))

    def tail(self, count: int) -> "PageSlice":
        """What comes after its first `count` records; at least one must be left."""
        return PageSlice(self.page, self.start + count, self.stop)

    @property
    def _offset(self) -> int:
        return self.page.ends[self.start - 1] if self.start else 0
