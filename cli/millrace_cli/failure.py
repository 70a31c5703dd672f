"""What keeps a verb from going on, in words for its user."""

from __future__ import annotations

from millrace_cli.exit_codes import ExitCode


class VerbFailed(Exception):
    """The verb ends with this message on stderr and this exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


class UsageFailed(VerbFailed):
    """What was asked for makes no sense; nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.USAGE)
