"""Records on their way into the log. Plain tuples, as hundreds of thousands are made a second."""

from __future__ import annotations

from typing import TypeAlias

NewRecord: TypeAlias = tuple[str, bytes, int, int, int]
"""A record to put: partition key, data, hash key, size (bytes of UTF-8 key and data), and the bytes that key and data
take when they are encoded as fields."""


def new_record(partition_key: str, data: bytes, hash_key: int) -> NewRecord:
    """A record with its sizes."""
    key_bytes = len(partition_key.encode())
    return partition_key, data, hash_key, key_bytes + len(data), field_bytes(key_bytes) + field_bytes(len(data))


def field_bytes(length: int) -> int:
    """Bytes of an encoded field of bytes or text with a tag of one byte: empty ones are left out."""
    return 1 + varint_bytes(length) + length if length else 0


def varint_bytes(value: int) -> int:
    """Bytes of an encoded length or positive number."""
    return max(1, (value.bit_length() + 6) // 7)
