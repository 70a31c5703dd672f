"""How results are printed, as the option --output names it."""

from __future__ import annotations

import enum


class Output(enum.StrEnum):
    """A table for people, one JSON document, or a line of JSON for each row."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
