"""What proves that a lease row is what was written: a wrong checkpoint would pass records by in silence."""

import zlib


def checksum(mapping_id: str, shard_id: str, *, checkpoint: int, ended: bool, state: str | None) -> int:
    """A CRC over what decides from where on a shard is delivered. Owner and epoch change without it."""
    told = "\0".join((mapping_id, shard_id, str(checkpoint), str(int(ended)), state or ""))
    return zlib.crc32(told.encode("utf-8"))
