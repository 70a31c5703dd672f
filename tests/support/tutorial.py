"""Runs a document: its files are written, its commands run in a shell, and what they print is held to what it shows.

A comment before a fenced block says what is done with it:

    <!-- file NAME -->         it is a file's text
    <!-- run -->               lines with `$ ` are run one after the other; the lines below each are its output
    <!-- run until -->         the same, again and again until the output is as shown
    <!-- terminal N runs -->   its one command keeps running in a terminal, in place of what ran there before
    <!-- terminal N says -->   the terminal says this, now or soon, after what it was held to before

A line `...` stands for any lines. Spaces count as one; ids, times, numbers of records and measured values do not count.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support import looking

COMMAND_SECONDS_MAX = 60.0
PORTS = ("7410", "7420", "7421", "7500", "7501", "7502")
_BLOCK = re.compile(r"^<!-- (file|run|terminal)(?: ([^\n]*?))? -->\n```[a-z]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_DIFFERS = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\d{30}\b"), "SEQUENCE"),
    (re.compile(r"\b\d+\.\d+ s(, [\d,]+ a second)?"), "SECONDS"),
    (re.compile(r"(SERVING) +\d+\.\d+"), r"\1 MILLIS"),
    (re.compile(r" +"), " "),
]


@dataclass(frozen=True, slots=True)
class Block:
    """What a document wants to be done."""

    kind: str
    detail: str
    text: str


def blocks(document: Path, ports: Mapping[str, str]) -> list[Block]:
    """The marked blocks of a document in their order, with these ports in place of its own."""
    text = re.sub(r"\b(" + "|".join(ports) + r")\b", lambda found: ports[found[1]], document.read_text())
    return [Block(kind, detail, body) for kind, detail, body in _BLOCK.findall(text)]


def free_ports() -> dict[str, str]:
    """A free port for each that the documents name."""
    takers = [socket.socket() for _ in PORTS]
    try:
        for taker in takers:
            taker.bind(("127.0.0.1", 0))
        return {port: str(taker.getsockname()[1]) for port, taker in zip(PORTS, takers, strict=True)}
    finally:
        for taker in takers:
            taker.close()


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether what was printed is what is shown."""
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(matches(shown[1:], printed[start:]) for start in range(len(printed) + 1))
    return bool(printed) and plain(shown[0]) == plain(printed[0]) and matches(shown[1:], printed[1:])


def plain(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, replacement in _DIFFERS:
        line = pattern.sub(replacement, line)
    return line.strip()


class Reader:
    """One who follows a document in a folder, with as many terminals as it takes. Leaving ends what still runs."""

    def __init__(self, folder: Path, ports: Mapping[str, str]) -> None:
        self._folder = folder
        self._ports = ports
        self._terminals: dict[str, subprocess.Popen[bytes]] = {}
        self._read_to: dict[str, int] = {}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "MILLRACE_STREAM_ADDRESS": f"127.0.0.1:{ports['7410']}",
            "MILLRACE_MAPPING_ADDRESS": f"127.0.0.1:{ports['7420']}",
        }

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        for number in sorted(self._terminals, reverse=True):
            self._stop(number)

    def follow(self, block: Block) -> None:
        """Do what a block wants. Fails when something else is printed than it shows."""
        match block.kind, block.detail.split():
            case "file", [name]:
                (self._folder / name).write_text(block.text)
            case "run", []:
                for command, shown in _commands(block.text):
                    printed = self._run(command)
                    assert matches(shown, printed), f"{command}\nprinted: {printed}\nshown: {shown}"
            case "run", ["until"]:
                for command, shown in _commands(block.text):
                    self._run_until(command, shown)
            case "terminal", [number, "runs"]:
                ((command, shown),) = _commands(block.text)
                self._start(number, command)
                self._says(number, shown)
            case "terminal", [number, "says"]:
                self._says(number, block.text.splitlines())
            case other:
                raise AssertionError(f"nobody knows what to do with {other}")

    def _run(self, command: str) -> list[str]:
        done = subprocess.run(
            command,
            shell=True,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        return done.stdout.splitlines()

    def _run_until(self, command: str, shown: list[str]) -> None:
        printed: list[str] = []

        def is_as_shown() -> bool:
            printed[:] = self._run(command)
            return matches(shown, printed)

        looking.until(is_as_shown, lambda: f"{command}\nprinted: {printed}\nshown: {shown}")

    def _start(self, number: str, command: str) -> None:
        self._stop(number)
        if command.endswith("millrace dev"):
            stream, mapping, handler = (self._ports[port] for port in ("7410", "7420", "7500"))
            command += f" --stream-port {stream} --mapping-port {mapping} --handler-port {handler}"
        self._read_to[number] = 0
        with self._output(number).open("wb") as output:
            # The shell becomes the command, so that a signal reaches that alone, as Ctrl-C does.
            self._terminals[number] = subprocess.Popen(
                ["sh", "-c", _with_exec(command)],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _stop(self, number: str) -> None:
        running = self._terminals.pop(number, None)
        if running is None:
            return
        running.send_signal(signal.SIGINT)
        try:
            running.wait(COMMAND_SECONDS_MAX)
        finally:
            running.kill()

    def _says(self, number: str, shown: list[str]) -> None:
        """Wait until the terminal has said these lines, in their order, whatever else it says between."""
        wanted = [plain(line) for line in shown if line != "..."]
        said: list[str] = []

        def has_said() -> bool:
            said[:] = [plain(line) for line in self._output(number).read_text(errors="replace").splitlines()]
            at = self._read_to[number]
            for line in wanted:
                if line not in said[at:]:
                    return False
                at = said.index(line, at) + 1
            self._read_to[number] = at
            return True

        looking.until(has_said, lambda: f"terminal {number} said {said}\nshown: {shown}")

    def _output(self, number: str) -> Path:
        return self._folder / f"terminal-{number}.out"


def _with_exec(command: str) -> str:
    """`A=1 program` as `A=1 exec program`."""
    found = re.match(r"((?:[A-Z_]+=\S+ )*)(.*)", command)
    assert found is not None
    return f"{found[1]}exec {found[2]}" if not found[1] else f"exec env {command}"


def _commands(text: str) -> list[tuple[str, list[str]]]:
    """Each command with the lines that are shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    return found
