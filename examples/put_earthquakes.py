"""Puts the 1,707 earthquakes of `examples/data` into a stream.

    python examples/put_earthquakes.py [--service 127.0.0.1:7410] [--stream earthquakes] [--rate 300]

The stream must be there: `make dev` creates it. The partition key is the network that reported the event, so the
events of a network stay in order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from millrace_sdk import Producer

DATA = Path(__file__).parent / "data" / "earthquakes.jsonl"


async def put_all(service: str, stream: str, *, events_a_second: float) -> int:
    """Put all events at a pace; how many."""
    lines = DATA.read_bytes().splitlines()
    async with Producer(service) as producer, asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(producer.put(stream, line, json.loads(line)["network"]))
            await asyncio.sleep(1 / events_a_second)
    return len(lines)


def main() -> None:
    """Put, and say how many."""
    arguments = argparse.ArgumentParser(description="Put earthquakes into a stream.")
    arguments.add_argument("--service", default="127.0.0.1:7410", help="address of the stream service")
    arguments.add_argument("--stream", default="earthquakes", help="name of the stream")
    arguments.add_argument("--rate", type=float, default=300.0, help="events a second")
    given = arguments.parse_args()
    count = asyncio.run(put_all(given.service, given.stream, events_a_second=given.rate))
    print(f"put {count} events into {given.stream}")


if __name__ == "__main__":
    main()
