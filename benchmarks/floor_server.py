"""The floors: an empty method, and one that sends bytes that it was given before."""

from __future__ import annotations

from benchmarks import wire

SERVICE = "millrace.bench.Floor"


class Floor:
    """Does as little as a gRPC method can."""

    def __init__(self) -> None:
        self._ready_made = b""

    async def empty(self, request: bytes, context: object) -> bytes:
        """Answer nothing."""
        return b""

    async def keep(self, request: bytes, context: object) -> bytes:
        """Keep the bytes that `ready_made` answers."""
        self._ready_made = request
        return b""

    async def ready_made(self, request: bytes, context: object) -> bytes:
        """Answer the kept bytes."""
        return self._ready_made


if __name__ == "__main__":
    floor = Floor()
    wire.run(SERVICE, {"Empty": floor.empty, "Keep": floor.keep, "ReadyMade": floor.ready_made})
