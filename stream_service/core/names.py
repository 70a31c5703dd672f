"""Names of streams, and what they may look like."""

from __future__ import annotations

import re
import uuid

NAME_CHARACTERS_MAX = 128
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}", re.ASCII)
NAME_RULE = "must be 1 to 128 characters of a-z, A-Z, 0-9, '_', '.', '-'"


def is_stream_name(text: str) -> bool:
    """Whether a stream may have this name."""
    return _NAME.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """Whether this is a UUID in its usual form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
