"""What keeps a verb from going on, in words for its user."""

from __future__ import annotations


class VerbFailed(Exception):
    """The verb ends with exit code 1 and this message."""
