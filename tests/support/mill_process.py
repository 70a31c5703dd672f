"""A process on the chassis alone: `python -m tests.support.mill_process`, told by MILL_ variables what to be.

It serves one method, `/mill.Mill/Grind`, which answers after the signal SIGUSR1.
"""

import asyncio
import signal
import sys
from typing import Any, ClassVar

import grpc
import pydantic_settings

from chassis.database import engine
from chassis.process import drain, health, reflection, run, server, settings

SERVICE_NAME = "mill.Mill"


class MillSettings(settings.ServiceSettings):
    """What the process is told."""

    model_config: ClassVar[pydantic_settings.SettingsConfigDict] = {"env_prefix": "MILL_"}

    listen: str = "127.0.0.1:0"
    database_url: str = "sqlite:///data/mill.db"
    fails: bool = False


async def start(loaded: MillSettings, ending: drain.Drain) -> str:
    """Open, serve, say how to end."""
    gate = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, gate.set)
    database = engine.open_database(loaded.database_url)
    built = server.build()
    healthy = health.Health([SERVICE_NAME])
    healthy.add_to(built)
    reflection.add_to(built, [health.SERVICE_NAME])

    async def grind(request: bytes, context: Any) -> bytes:
        await gate.wait()
        if loaded.fails:
            ending.fail("the disk cannot be trusted")
        return b"flour"

    methods = {"Grind": grpc.unary_unary_rpc_method_handler(grind)}
    built.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, methods),))
    address = server.bind(built, loaded.listen)
    await built.start()
    healthy.ready()

    async def say_that_we_drain() -> None:
        healthy.drain()

    async def close() -> None:
        database.close()

    ending.add("health", say_that_we_drain)
    server.end_with(built, ending)
    ending.add("database", close)
    return address


if __name__ == "__main__":
    sys.exit(run.run(MillSettings, start))
