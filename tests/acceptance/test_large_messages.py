"""Messages that are too large, on the wire or once unpacked: refused, at no cost of memory, and others go on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from chassis.process import limits
from tests.support import mill, proc, scale
from tests.support.clients import Clients, Load

PUT = "/millrace.stream.v1.StreamService/PutRecords"
CREATE = "/millrace.mapping.v1.EventSourceMappingService/CreateEventSourceMapping"
HUGE = bytes(96 * proc.MIB)
"""Zeros: packed, they are a thousandth of it."""
AT_A_TIME = 4
ROUNDS = scale.choose(small=1, full=5)
MEMORY_BYTES_MAX = 64 * proc.MIB
"""More than a service may grow by: less than one of these messages, and a sixth of what comes at a time."""
KINDS = {
    "larger than the limit": (grpc.Compression.NoCompression, "RESOURCE_EXHAUSTED", str(limits.MESSAGE_BYTES_MAX)),
    "a bomb by gzip": (grpc.Compression.Gzip, "UNIMPLEMENTED", "gzip"),
    "a bomb by deflate": (grpc.Compression.Deflate, "UNIMPLEMENTED", "deflate"),
}


async def _refusal(address: str, method: str, compression: grpc.Compression) -> tuple[str, str]:
    """Code and text that a huge message gets, on a connection of its own."""
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options=options, compression=compression) as channel:
        call: Any = channel.unary_unary(method)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(HUGE, timeout=60)
    return refused.value.code().name, refused.value.details() or ""


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_refused_memory_stays_flat_and_other_connections_go_on(tmp_path: Path, kind: str) -> None:
    compression, code, told = KINDS[kind]
    async with mill.running(tmp_path) as running:
        async with Clients(running.stream.address, running.mapping.address) as clients:
            await clients.create_stream("orders")
            await clients.register("recorder", running.handler.address)
            await clients.map("orders", "recorder")
            refused = []
            async with Load(clients, "orders", callers=1) as load:
                await mill.until(lambda: len(load.puts.stored) > 100, "records before")
                services = [running.stream.pid, running.mapping.pid]
                before = [proc.forget_peak(pid) for pid in services]
                for _ in range(ROUNDS):
                    at = [(running.stream.address, PUT), (running.mapping.address, CREATE)] * AT_A_TIME
                    refused += await asyncio.gather(*(_refusal(*each, compression) for each in at))
                meanwhile = len(load.puts.stored)
                await mill.until(lambda: len(load.puts.stored) > meanwhile, "records after")
            stored = load.puts.stored.keys()
            await mill.until(lambda: stored <= running.history.refresh().delivered, "every record")
            grown = [proc.peak_bytes(pid) - held for pid, held in zip(services, before, strict=True)]

    assert {each[0] for each in refused} == {code}
    assert all(told in text for _, text in refused), refused[0]
    assert load.puts.unknown == set()
    assert max(grown) < MEMORY_BYTES_MAX
