"""Builders of pages: records as the machine sees them, with payloads whose bytes say which records they are."""

from array import array
from collections.abc import Sequence
from itertools import accumulate

from mapping_service.core.batch import Batch
from mapping_service.core.page import Page

ENCODED_BYTES = 8


def a_page(numbers: Sequence[int], *, sizes: Sequence[int] | None = None) -> Page:
    """A page with these numbers. Each record is encoded as the 8 bytes of its number, padded up to its size."""
    taken = list(sizes) if sizes is not None else [ENCODED_BYTES] * len(numbers)
    parts = [
        number.to_bytes(ENCODED_BYTES, "big").ljust(size, b"\0") for number, size in zip(numbers, taken, strict=True)
    ]
    ends = array("q", accumulate(map(len, parts)))
    return Page(payload=b"".join(parts), ends=ends, numbers=array("q", numbers), sizes=array("q", taken))


def a_batch(numbers: Sequence[int]) -> Batch:
    """A batch of one page."""
    return Batch((a_page(numbers).whole(),))


def numbers_of(batch: Batch) -> list[int]:
    """Numbers of a batch's records, from its columns."""
    return [number for piece in batch.slices for number in piece.page.numbers[piece.start : piece.stop]]


def numbers_in(payload: bytes) -> list[int]:
    """Numbers of the records in a payload whose records all have the default size."""
    pieces = range(0, len(payload), ENCODED_BYTES)
    return [int.from_bytes(payload[start : start + ENCODED_BYTES], "big") for start in pieces]
