"""What the input of `millrace put` is made of, as --as names it."""

from __future__ import annotations

import enum


class Form(enum.StrEnum):
    """Lines of bytes, lines of JSON, one whole file, or records as `get --output jsonl` writes them."""

    LINES = "lines"
    JSON = "json"
    FILE = "file"
    RECORDS = "records"
