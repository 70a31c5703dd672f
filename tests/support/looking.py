"""Waits for what other processes do, by looking again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 0.2


def until(condition: Callable[[], bool], problem: Callable[[], str], *, seconds: float = 60.0) -> None:
    """Look until a condition holds; fails with the problem, as it is by then, after a while."""
    deadline = time.monotonic() + seconds
    looked = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {problem()}"
        looked.wait(LOOK_SECONDS)
