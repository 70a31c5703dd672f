"""The stack of compose.yaml under a project name and ports of its own, through whichever compose the machine has."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support import scale

CLONE = Path(__file__).parents[2]
SWITCH = "MILLRACE_TEST_CONTAINERS"
LOOK_SECONDS_MAX = 60.0
BUILD_SECONDS_MAX = 400.0
LABEL = "com.docker.compose.project"


def why_not() -> str | None:
    """Why containers are not tried here; None when they are."""
    if not scale.is_full() and os.environ.get(SWITCH) != "1":
        return "`make compose-test` tries containers, and so does MILLRACE_TEST_SCALE=full"
    if shutil.which("docker") is None:
        return "there is no container engine: the command docker is not installed"
    if subprocess.run(["docker", "info"], capture_output=True, timeout=LOOK_SECONDS_MAX, check=False).returncode:
        return "no container engine runs, or this user may not use it: `docker info` fails"
    return None if _compose_command() else "neither `docker compose` nor docker-compose is installed"


class Stack:
    """One project. `down` removes its containers, volumes and networks; the image stays, as the next build's cache."""

    def __init__(self) -> None:
        command = _compose_command()
        assert command is not None
        self.project = f"millrace-test-{uuid.uuid4().hex[:8]}"
        names = ("STREAM", "MAPPING", "STREAM_ADMIN", "MAPPING_ADMIN")
        ports = dict(zip(names, _free_ports(len(names)), strict=True))
        self.addresses = {name.lower(): f"127.0.0.1:{port}" for name, port in ports.items()}
        """Where the services are reached from this machine: stream, mapping, stream_admin, mapping_admin."""
        self._command = [*command, "--project-name", self.project]
        self._environment = {
            **os.environ,
            **_package_index(),
            **{f"MILLRACE_COMPOSE_{name}_PORT": str(port) for name, port in ports.items()},
        }

    def compose(self, *arguments: str, timeout_seconds: float = LOOK_SECONDS_MAX) -> str:
        """Run compose; what it printed. Fails with all that it said."""
        return _run([*self._command, *arguments], self._environment, timeout_seconds)

    def up(self) -> None:
        """Build, start, and wait until each service that another waits for is healthy."""
        self.compose("up", "--detach", "--build", timeout_seconds=BUILD_SECONDS_MAX)

    def down(self, *arguments: str) -> None:
        """Stop and remove the containers and the network."""
        self.compose("down", *arguments, timeout_seconds=LOOK_SECONDS_MAX)

    def docker(self, verb: str, service: str, *arguments: str) -> str:
        """Do something with a service's container by the engine's own command."""
        return _run(["docker", verb, *arguments, self.container(service)], self._environment, LOOK_SECONDS_MAX)

    def container(self, service: str) -> str:
        """Id of a service's container, also when it is stopped."""
        labels = [f"label={LABEL}={self.project}", f"label=com.docker.compose.service={service}"]
        filters = [part for each in labels for part in ("--filter", each)]
        (found,) = _run(["docker", "ps", "--all", "--quiet", *filters], self._environment, LOOK_SECONDS_MAX).split()
        return found

    def state(self, service: str) -> Any:
        """What the engine says of a service's container."""
        (found,) = json.loads(self.docker("inspect", service))
        return found

    def in_container(self, service: str, *command: str) -> str:
        """What a command prints that runs in a service's container. Fails when it fails."""
        return self.compose("exec", "-T", service, *command)

    def left(self) -> list[str]:
        """Containers, volumes and networks of the project."""
        mine = ["--quiet", "--filter", f"label={LABEL}={self.project}"]
        looks = (["ps", "--all"], ["volume", "ls"], ["network", "ls"])
        return [
            name
            for look in looks
            for name in _run(["docker", *look, *mine], self._environment, LOOK_SECONDS_MAX).split()
        ]


def _run(command: list[str], environment: Mapping[str, str], timeout_seconds: float) -> str:
    done = subprocess.run(
        command, cwd=CLONE, env=environment, capture_output=True, text=True, timeout=timeout_seconds, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _compose_command() -> list[str] | None:
    """Compose v2 as a part of docker, or the older command of its own."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def _package_index() -> dict[str, str]:
    """Where pip looks for packages on this machine, for the build: by its settings, files and environment alike."""
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found = {}
    for line in said.stdout.splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in ("index-url", "extra-index-url", "trusted-host"):
            found[f"PIP_{option.upper().replace('-', '_')}"] = value.strip("'\"").replace("\\n", " ").strip()
    return found


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; a container that starts again must find the same one."""
    takers = [socket.socket() for _ in range(count)]
    try:
        for taker in takers:
            taker.bind(("127.0.0.1", 0))
        return [int(taker.getsockname()[1]) for taker in takers]
    finally:
        for taker in takers:
            taker.close()
