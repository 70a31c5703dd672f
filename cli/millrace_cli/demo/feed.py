"""Puts the events at their pace, and keeps what was acknowledged."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from millrace_sdk import Producer

from millrace_cli.demo.tally import Sent

RECORDS_A_SECOND = 300
TICKS_A_SECOND = 10
"""Events are put in small groups, as they arrive in life; so a batch has more than one."""


class Feed:
    """The events of a file, one a line; the network is the partition key."""

    def __init__(self, events: Sequence[bytes], *, service: str, stream: str) -> None:
        self._events = events
        self.service = service
        self._stream = stream
        self.sent: dict[str, Sent] = {}
        """Acknowledged records by their sequence numbers."""

    async def run(self) -> None:
        """Put all. Raises an ExceptionGroup when a put fails."""
        loop = asyncio.get_running_loop()
        a_tick = RECORDS_A_SECOND // TICKS_A_SECOND
        async with Producer(self.service) as producer, asyncio.TaskGroup() as puts:
            begin = loop.time()
            for start in range(0, len(self._events), a_tick):
                await asyncio.sleep(max(0.0, begin + start / RECORDS_A_SECOND - loop.time()))
                for index in range(start, min(start + a_tick, len(self._events))):
                    puts.create_task(self._put(producer, index))

    async def _put(self, producer: Producer, index: int) -> None:
        event = self._events[index]
        network = json.loads(event)["network"]
        at = time.monotonic()
        result = await producer.put(self._stream, event, network)
        self.sent[result.sequence_number] = Sent(network=network, index=index, at=at)
