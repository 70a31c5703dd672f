"""A record on its way, and what became of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from millrace_sdk import limits


class PutResult(NamedTuple):
    """Where a record is stored."""

    shard_id: str
    sequence_number: str


@dataclass(slots=True, eq=False)
class Put:
    """A record on its way. Its future is done when it is stored, refused, or no longer wanted."""

    future: asyncio.Future[PutResult]
    data: bytes
    partition_key: str
    explicit_hash_key: str
    size_bytes: int
    deadline: float
    attributes: Mapping[str, str] | None = None
    may_be_stored: bool = False
    producer_id: bytes = b""
    producer_sequence: int = 0
    """With its producer's id, what makes a second attempt known as one; given when it is sent first."""

    def hash_key(self) -> int:
        """Where it belongs among the shards. Reckoned when asked for: a stream of one shard never asks."""
        return int(self.explicit_hash_key) if self.explicit_hash_key else hash_of(self.partition_key)

    def fail(self, error: Exception) -> None:
        """Tell the caller, if it still waits."""
        if not self.future.done():
            self.future.set_exception(error)


def checked_data(data: bytes | bytearray | memoryview) -> bytes:
    """The bytes as they are now. Raises TypeError for anything else."""
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    if isinstance(data, bytes):
        return data
    raise TypeError(f"data must be bytes, not {type(data).__name__}; text is put as text.encode()")


def attributes_size(attributes: Mapping[str, str]) -> int:
    """Bytes of names and values. Raises ValueError for one that no record may have, TypeError for what is no text."""
    if len(attributes) > limits.ATTRIBUTES_MAX:
        raise ValueError(f"a record has at most {limits.ATTRIBUTES_MAX} attributes, not {len(attributes)}")
    size_bytes = 0
    for name, value in attributes.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("names and values of attributes must be text")
        if not 1 <= len(name) <= limits.ATTRIBUTE_NAME_CHARACTERS_MAX:
            raise ValueError(f"the attribute {name[:50]!r} has {len(name)} characters; names have 1 to 128")
        if len(value) > limits.ATTRIBUTE_VALUE_CHARACTERS_MAX:
            raise ValueError(f"the attribute {name[:50]!r} has a value of {len(value)} characters; at most 4096 may be")
        size_bytes += len(name.encode()) + len(value.encode())
    return size_bytes


def checked_size(data: bytes, partition_key: str) -> int:
    """Bytes of key and data. Raises ValueError beyond what a request may hold, and for a key that UTF-8 cannot hold."""
    characters = len(partition_key)
    if not 1 <= characters <= limits.PARTITION_KEY_CHARACTERS_MAX:
        raise ValueError(f"a partition key has 1 to {limits.PARTITION_KEY_CHARACTERS_MAX} characters, not {characters}")
    key_bytes = characters if partition_key.isascii() else len(partition_key.encode())
    size_bytes = len(data) + key_bytes
    if size_bytes > limits.REQUEST_BYTES_MAX:
        raise ValueError(f"key and data have {size_bytes} bytes; at most {limits.REQUEST_BYTES_MAX} are allowed")
    return size_bytes


def hash_of(partition_key: str) -> int:
    """The hash key of a partition key: the MD5 of its UTF-8 as a 128-bit number."""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")


def check_hash_key(explicit_hash_key: str) -> None:
    """Raise ValueError unless it is plain decimal digits in the hash space, without leading zeros."""
    text = explicit_hash_key
    is_plain = text.isascii() and text.isdecimal() and len(text) <= 39 and (text == "0" or text[0] != "0")
    if not is_plain or int(text) > limits.HASH_KEY_MAX:
        raise ValueError(
            f"explicit_hash_key is {text[:50]!r}; it must be a decimal integer, 0 to {limits.HASH_KEY_MAX}"
        )
