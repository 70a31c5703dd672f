"""Runs a verb to its exit code, and ends it in order when it is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Coroutine

from millrace_cli import child, failure
from millrace_cli.exit_codes import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(verb: Coroutine[object, object, int | None]) -> int:
    """The verb's exit code; with a line on stderr when it cannot go on, 128 and the signal when interrupted.

    A first signal cancels the verb, which then stops what it started; a second one kills that at once. When the reader
    of standard output closed it, the verb ends without a word, as other commands in a pipe do.
    """
    try:
        code = asyncio.run(_run(verb))
        sys.stdout.flush()
    except failure.VerbFailed as failed:
        return _tell(str(failed), failed.code)
    except BrokenPipeError:
        _forget_stdout()
        return ExitCode.PIPE_CLOSED
    except OSError as error:
        _forget_stdout()
        return _tell(f"failed: {error.strerror or error}", ExitCode.FAILED)
    return code


async def _run(verb: Coroutine[object, object, int | None]) -> int:
    task = asyncio.ensure_future(verb)
    received: list[int] = []

    def on_signal(number: int) -> None:
        if received:
            child.kill_all()
            os._exit(128 + number)
        received.append(number)
        task.cancel()

    def on_reader_gone() -> None:
        loop.remove_reader(sys.stdout.fileno())
        if not received:
            on_signal(signal.SIGPIPE)

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    if _is_stdout_piped():
        # A pipe that is written to can be "read" once its reader is gone: so an idle verb ends with its pipe, too.
        loop.add_reader(sys.stdout.fileno(), on_reader_gone)
    try:
        return await task or ExitCode.DONE
    except asyncio.CancelledError:
        return 128 + received[0] if received else ExitCode.FAILED
    finally:
        if _is_stdout_piped():
            loop.remove_reader(sys.stdout.fileno())


def _is_stdout_piped() -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    except (AttributeError, OSError):
        # Closed, or no file at all.
        return False


def _tell(text: str, code: ExitCode) -> int:
    """Say what went wrong, without anything in it that could steer a terminal."""
    shown = "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)
    sys.stderr.write(f"{shown}\n")
    return code


def _forget_stdout() -> None:
    """Python flushes standard output once more at its end, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
