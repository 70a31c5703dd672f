"""Both services and a handler as processes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from millrace_cli import child
from millrace_cli.child import Child, ChildFailed

FOLDER_OF_THE_CLONE = Path(__file__).resolve().parents[2]
HANDLER = FOLDER_OF_THE_CLONE / "examples" / "handlers" / "python" / "earthquakes.py"
EVENTS = FOLDER_OF_THE_CLONE / "examples" / "data" / "earthquakes.jsonl"


class Stack:
    """Processes on SQLite files in a folder. Leaving it stops all of them, whatever happened."""

    def __init__(self, folder: Path, *, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        self._children: list[Child] = []

    async def __aenter__(self) -> Self:
        if not HANDLER.exists():
            raise ChildFailed(f"the examples are not at {HANDLER}: run this from a clone of Millrace")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the newest first: the mapping service finishes its calls while the others are still there."""
        try:
            for each in reversed(self._children):
                await each.stop()
        finally:
            child.kill_all()

    @property
    def children(self) -> Sequence[Child]:
        """Those that run, the oldest first."""
        return tuple(self._children)

    def start_stream_service(self, *, port: int = 0) -> Child:
        """Start it; `ready()` tells its address."""
        settings = {
            "MILLRACE_STREAM_LISTEN": f"127.0.0.1:{port}",
            "MILLRACE_STREAM_DATABASE_URL": self._database_url("stream"),
        }
        return self._start("stream_service", ["-m", "stream_service"], settings)

    def start_mapping_service(self, stream_service: str, *, port: int = 0) -> Child:
        """Start it for the stream service at that address; `ready()` tells its own."""
        settings = {
            "MILLRACE_MAPPING_LISTEN": f"127.0.0.1:{port}",
            "MILLRACE_MAPPING_DATABASE_URL": self._database_url("mapping"),
            "MILLRACE_MAPPING_STREAM_SERVICE": stream_service,
        }
        return self._start("mapping_service", ["-m", "mapping_service"], settings)

    def start_handler(self, arguments: Sequence[str], *, port: int = 0) -> Child:
        """Start the example handler; `ready()` tells its port."""
        return self._start("handler", [str(HANDLER), "--port", str(port), *arguments], {})

    def kill(self, running: Child) -> None:
        """SIGKILL one of them."""
        running.kill()
        self._children.remove(running)

    def _start(self, name: str, arguments: Sequence[str], environment: dict[str, str]) -> Child:
        started = Child(name, arguments, folder=self._logs, environment=environment)
        self._children.append(started)
        return started

    def _database_url(self, name: str) -> str:
        return f"sqlite:///{(self._folder / name).resolve()}.db"
