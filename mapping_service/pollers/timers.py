"""Doing something later, in a way that tests can do now."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Something that will be done."""

    def cancel(self) -> None:
        """Do not. May be called at any time, and again."""


CallLater = Callable[[float, Callable[[], None]], Timer]
"""After so many seconds, do this."""


def call_later(seconds: float, action: Callable[[], None]) -> Timer:
    """On the running loop's clock."""
    return asyncio.get_running_loop().call_later(seconds, action)
