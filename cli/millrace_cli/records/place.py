"""`--from`: where reading starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from millrace_cli import quantity
from millrace_cli.failure import UsageFailed
from millrace_cli.records.view import shard_of

_SEQUENCE_NUMBER = re.compile(r"[0-9]{30}")
_AGO = re.compile(r"[0-9.]+\s*[a-zA-Z]+")
_SHARD_INDEX = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Place:
    """A place to read from. `time` and `sequence_number` are set for those kinds alone."""

    kind: Literal["oldest", "latest", "time", "sequence_number"]
    time: datetime | None = None
    sequence_number: str = ""

    @property
    def shard_id(self) -> str:
        """The only shard that has this place; empty when all have."""
        return shard_of(self.sequence_number) if self.sequence_number else ""


def parse(text: str, now: datetime) -> Place:
    """Read it; a time without a zone is local, as `now` has it. Raises UsageFailed."""
    match text.strip().lower():
        case "oldest" | "trim_horizon":
            return Place("oldest")
        case "latest":
            return Place("latest")
        case "now":
            return Place("latest")
    if _SEQUENCE_NUMBER.fullmatch(text):
        return Place("sequence_number", sequence_number=text)
    if _AGO.fullmatch(text):
        return _ago(text, now)
    try:
        return Place("time", time=datetime.fromisoformat(text).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise UsageFailed(
            f"--from is {text!r}; it must be oldest, latest, a time such as 2026-01-31T12:00:00Z, how long ago such as "
            "15m, or a sequence number of 30 digits"
        ) from error


def shard_id(text: str) -> str:
    """A shard's id, also from its number alone; empty stays empty."""
    return f"shardId-{int(text):012d}" if _SHARD_INDEX.fullmatch(text) else text


def _ago(text: str, now: datetime) -> Place:
    try:
        return Place("time", time=(now - quantity.duration(text, "--from")).astimezone(UTC))
    except OverflowError as error:
        raise UsageFailed(f"--from is {text!r}, which is too long ago") from error
