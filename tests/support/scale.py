"""How much a test does: small by default, full in CI with MILLRACE_TEST_SCALE=full."""

from __future__ import annotations

import os


def is_full() -> bool:
    """Whether everything is run at full counts."""
    scale = os.environ.get("MILLRACE_TEST_SCALE", "small")
    assert scale in ("small", "full"), f"MILLRACE_TEST_SCALE is {scale!r}; it must be small or full"
    return scale == "full"


def choose(*, small: int, full: int) -> int:
    """A count for the scale."""
    return full if is_full() else small
