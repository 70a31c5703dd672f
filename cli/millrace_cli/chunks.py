"""Bytes of a file or a pipe, read beside the event loop, so that Ctrl-C need not wait for somebody who types."""

from __future__ import annotations

import asyncio
import os
import stat
import threading

CHUNK_BYTES = 256 * 1024
_CHUNKS_MAX = 8


class Chunks:
    """Reads a descriptor ahead, in a daemon thread: a read of a terminal cannot be broken off."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: asyncio.Queue[bytes | OSError] = asyncio.Queue(_CHUNKS_MAX)
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, daemon=True).start()

    async def next(self) -> bytes:
        """The next bytes; empty at the end, and ever after. A call that is cancelled loses none. Raises OSError."""
        item = await self._queue.get()
        if isinstance(item, OSError):
            raise item
        if not item:
            self._queue.put_nowait(b"")
        return item

    def _run(self) -> None:
        item: bytes | OSError = b" "
        while item and not isinstance(item, OSError):
            try:
                item = os.read(self._descriptor, CHUNK_BYTES)
            except OSError as error:
                item = error
            putting = self._queue.put(item)
            try:
                asyncio.run_coroutine_threadsafe(putting, self._loop).result()
            except (RuntimeError, asyncio.CancelledError):
                # The loop is gone: nobody reads any more.
                putting.close()
                return


def size_of(descriptor: int) -> int | None:
    """How many bytes it has, if it is a file; None for a pipe or a terminal."""
    found = os.fstat(descriptor)
    return found.st_size if stat.S_ISREG(found.st_mode) else None
