"""Sequence numbers: hybrid logical clocks of 64 bits (rule L3).

A number is milliseconds since 1970, shifted by 20 bits, plus a counter: `max(last + 1, unix_millis << 20)`. So numbers
rise in a shard whatever the wall clock does, a time is a range of numbers, and a record's arrival is its number's time.
On the wire it is 30 digits: 20 of the number and 10 of the shard's index.
"""

from __future__ import annotations

COUNTER_BITS = 20
NUMBER_DIGITS = 20
INDEX_DIGITS = 10
DIGITS = NUMBER_DIGITS + INDEX_DIGITS
MILLIS_MAX = (1 << (63 - COUNTER_BITS)) - 1  # what a signed 64-bit number holds


def first_of(unix_millis: int) -> int:
    """The lowest number of a time."""
    return unix_millis << COUNTER_BITS


def millis_of(number: int) -> int:
    """The time of a number."""
    return number >> COUNTER_BITS


def next_run(last: int, unix_millis: int, count: int) -> range:
    """Numbers for the next `count` records of a shard whose newest number is `last`; all of one millisecond.

    `count` is at most 2^20. Where the counter would overflow, the run begins with the next millisecond.
    """
    first = max(last + 1, unix_millis << COUNTER_BITS)
    if first >> COUNTER_BITS != (first + count - 1) >> COUNTER_BITS:
        first = ((first >> COUNTER_BITS) + 1) << COUNTER_BITS
    return range(first, first + count)


def text_of(number: int, shard_index: int) -> str:
    """The number on the wire."""
    return f"{number:020d}{shard_index:010d}"


def parse(text: str) -> tuple[int, int] | None:
    """Number and shard index of a wire text; None if it is not one."""
    if len(text) != DIGITS or not (text.isascii() and text.isdigit()):
        return None
    number = int(text[:NUMBER_DIGITS])
    return (number, int(text[NUMBER_DIGITS:])) if number < 1 << 63 else None
