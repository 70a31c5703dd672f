"""Makes a stack usable: a stream of earthquakes, a handler's registration, a mapping between them, and first records.

    python examples/seed.py --handler 127.0.0.1:7500

What is there already stays as it is, and a stream that holds records gets none, so it may be run again at any time.
"""

from __future__ import annotations

import argparse
import asyncio

import grpc
import put_earthquakes
from millrace.stream.v1 import stream_service_pb2, stream_service_pb2_grpc
from millrace_cli import wiring

STREAM = "earthquakes"
SHARD_COUNT = 4
HANDLER = "strongest-earthquake"
BATCH_SIZE = 50
EVENTS_A_SECOND = 2_000.0


async def seed(*, stream_service: str, mapping_service: str, handler: str) -> str:
    """Make what is missing; what was done, in words."""
    await wiring.create_stream(stream_service, STREAM, shard_count=SHARD_COUNT)
    await wiring.register_handler(mapping_service, HANDLER, endpoint=handler)
    await wiring.create_mapping(mapping_service, stream=STREAM, handler=HANDLER, batch_size=BATCH_SIZE)
    if await has_records(stream_service, STREAM):
        return f"the stream {STREAM} has records; nothing was put"
    count = await put_earthquakes.put_all(stream_service, STREAM, events_a_second=EVENTS_A_SECOND)
    return f"put {count} events into {STREAM}"


async def has_records(stream_service: str, stream: str) -> bool:
    """Whether any shard of the stream holds a record."""
    async with grpc.aio.insecure_channel(stream_service) as channel:
        stub = stream_service_pb2_grpc.StreamServiceStub(channel)
        listed = await stub.ListShards(stream_service_pb2.ListShardsRequest(stream_name=stream), timeout=15)
        for shard in listed.shards:
            position = stream_service_pb2.GetShardIteratorRequest(
                stream_name=stream,
                shard_id=shard.shard_id,
                type=stream_service_pb2.SHARD_ITERATOR_TYPE_TRIM_HORIZON,
            )
            start = await stub.GetShardIterator(position, timeout=15)
            request = stream_service_pb2.GetRecordsRequest(shard_iterator=start.shard_iterator, limit=1)
            if (await stub.GetRecords(request, timeout=15)).records:
                return True
    return False


def main() -> None:
    """Seed, and say what was done."""
    arguments = argparse.ArgumentParser(
        description="Make a stream, a handler's registration and a mapping, and put records."
    )
    arguments.add_argument("--stream-service", default="127.0.0.1:7410", help="address of the stream service")
    arguments.add_argument("--mapping-service", default="127.0.0.1:7420", help="address of the mapping service")
    arguments.add_argument("--handler", required=True, help="address at which the mapping service reaches the handler")
    given = arguments.parse_args()
    print(
        asyncio.run(
            seed(stream_service=given.stream_service, mapping_service=given.mapping_service, handler=given.handler)
        )
    )


if __name__ == "__main__":
    main()
