"""Asks a service as a person would who has no .proto files: with `buf curl` and the service's reflection."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS_MAX = 60


async def listed(address: str, *, protocol: str) -> list[str]:
    """Names of all services."""
    done = await _buf(address, "--list-services", protocol=protocol)
    return done.stdout.split()


async def methods(address: str, *, protocol: str) -> list[str]:
    """Names of all methods of all services."""
    done = await _buf(address, "--list-methods", protocol=protocol)
    return done.stdout.split()


async def call(address: str, method: str, *, protocol: str, **request: Any) -> dict[str, Any]:
    """The answer of a method: `package.Service/Method`."""
    done = await _buf(f"{address}/{method}", "--data", json.dumps(request), protocol=protocol)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def _buf(url: str, *arguments: str, protocol: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("buf", path=str(Path(sys.executable).parent)) or "buf"
    command = [found, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", protocol]
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, *arguments, f"http://{url}"],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
