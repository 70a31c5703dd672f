"""From a partition key to the open shard that owns its hash key."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache

from stream_service.core.shard import HASH_KEYS, Shard

KEYS_REMEMBERED = 16_384
"""Partition keys come again; remembering one costs a quarter of its MD5."""


@lru_cache(maxsize=KEYS_REMEMBERED)
def hash_key_of(partition_key: str) -> int:
    """The MD5 of the key's UTF-8 bytes as an unsigned big-endian number."""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest())


def parse_hash_key(text: str) -> int | None:
    """An explicit hash key: a decimal integer without leading zeros inside the hash key space; else None."""
    if not (text.isascii() and text.isdigit()) or len(text) > 39 or (text[0] == "0" and text != "0"):
        return None
    value = int(text)
    return value if value < HASH_KEYS else None


class Router:
    """The open shards of a stream by hash key. They cover the space, so every key finds one."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        ordered = sorted((shard for shard in shards if shard.is_open), key=lambda shard: shard.starting_hash_key)
        self.starts = [shard.starting_hash_key for shard in ordered]
        self.keys = [shard.key for shard in ordered]

    def shard_key(self, hash_key: int) -> int:
        """The storage key of the open shard that owns the hash key."""
        return self.keys[bisect_right(self.starts, hash_key) - 1]

    def shard_keys(self, hash_keys: Iterable[int]) -> list[int]:
        """Those of many hash keys."""
        starts, keys = self.starts, self.keys
        return [keys[bisect_right(starts, each) - 1] for each in hash_keys]
