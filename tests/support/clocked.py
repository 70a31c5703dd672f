"""A service whose wall clock is wrong by what a file says: `python -m tests.support.clocked`.

CLOCKED_MODULE is what to run, CLOCKED_FILE holds the seconds that its wall clock is ahead, and may change at any time.
It is what chassis/clock.py reads, and nobody else reads a clock. The monotonic clock is the machine's.
"""

from __future__ import annotations

import os
import runpy
import time
import types
from pathlib import Path

from chassis import clock


def _nanos() -> int:
    return time.time_ns() + int(float(Path(os.environ["CLOCKED_FILE"]).read_text()) * 1e9)


def set_ahead(file: Path, seconds: float) -> None:
    """Set the wall clock of those that read the file, at once for all."""
    new = file.with_suffix(".new")
    new.write_text(str(seconds))
    new.rename(file)


if __name__ == "__main__":
    # Not in the module `time`: gRPC reckons deadlines with it and compares them with the machine's own clock.
    setattr(clock, "time", types.SimpleNamespace(time_ns=_nanos, monotonic=time.monotonic))  # noqa: B010
    runpy.run_module(os.environ["CLOCKED_MODULE"], run_name="__main__", alter_sys=True)
