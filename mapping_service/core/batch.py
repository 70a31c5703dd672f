"""A batch: records that are sent together. It is slices of pages; see `page`."""

from dataclasses import dataclass

from mapping_service.core.page import Page, PageSlice


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one shard in order, at least one."""

    slices: tuple[PageSlice, ...]

    @property
    def first(self) -> int:
        """Number of its first record."""
        return self.slices[0].first

    @property
    def last(self) -> int:
        """Number of its last record."""
        return self.slices[-1].last

    @property
    def count(self) -> int:
        """How many records it has."""
        return sum(map(len, self.slices))

    @property
    def size_bytes(self) -> int:
        """Bytes of key, data and attributes of its records: what limits count."""
        return sum(piece.size_bytes for piece in self.slices)

    def parts(self) -> list[memoryview]:
        """Its records as encoded `repeated Record records = 1`, in pieces to be joined; no copies."""
        return [piece.payload() for piece in self.slices]

    def payload(self) -> bytes:
        """Its records as encoded `repeated Record records = 1`."""
        return b"".join(self.parts())

    def split(self, count: int) -> tuple["Batch", "Batch"]:
        """Its first `count` records and the rest; both must have at least one."""
        head: list[PageSlice] = []
        for index, piece in enumerate(self.slices):
            if count < len(piece):
                first_half = (*head, piece.head(count)) if count else tuple(head)
                return Batch(first_half), Batch((piece.tail(count), *self.slices[index + 1 :]))
            head.append(piece)
            count -= len(piece)
        raise AssertionError("a batch was split outside of itself")

    def index_of(self, number: int) -> int | None:
        """Which of its records has this number, counted from 0; None when none has."""
        passed = 0
        for piece in self.slices:
            if number <= piece.last:
                below = piece.up_to(number - 1)
                is_there = piece.page.numbers[piece.start + below] == number
                return passed + below if is_there else None
            passed += len(piece)
        return None

    def number_at(self, index: int) -> int:
        """Number of the record with this index, counted from 0."""
        for piece in self.slices:
            if index < len(piece):
                return piece.page.numbers[piece.start + index]
            index -= len(piece)
        raise AssertionError("a record was asked for outside of its batch")

    def count_up_to(self, number: int) -> int:
        """How many of its records have a number of at most this."""
        return sum(piece.up_to(number) for piece in self.slices)

    def pages(self) -> tuple[Page, ...]:
        """The pages that it keeps in memory."""
        return tuple(piece.page for piece in self.slices)
