"""What the exit code of a verb means."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Each tells a script what to do next."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    UNAVAILABLE = 5
    PARTLY = 6
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed, in the command or inside the service",
    ExitCode.USAGE: "the command line or the configuration is wrong; nothing was sent",
    ExitCode.REFUSED: "the service refused it; sent again as it is, it would be refused again",
    ExitCode.NOT_FOUND: "what was named does not exist",
    ExitCode.UNAVAILABLE: "nothing answers, or it cannot be done now; later it may",
    ExitCode.PARTLY: "partly done: some records were not stored",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitCode.PIPE_CLOSED: "the reader of the output closed it",
    ExitCode.TERMINATED: "terminated (SIGTERM)",
}


def as_help() -> str:
    """The end of `millrace --help`."""
    lines = [f"  {code.value:>3}  {MEANINGS[code]}" for code in ExitCode]
    return "\n".join(["\b", "Exit codes:", *lines])
