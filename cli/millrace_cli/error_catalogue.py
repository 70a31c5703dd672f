"""What is known of each reason to refuse. errors.json is written by `make protos` from protos/errors.toml."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

FILE = Path(__file__).with_name("errors.json")
PREFIX = "ERROR_REASON_"
SUGGESTIONS_MAX = 3

Reason: TypeAlias = dict[str, Any]
"""A table of protos/errors.toml: reason, number, codes, meaning, advice, details, metadata, since, planned."""


@functools.cache
def all_reasons() -> Sequence[Reason]:
    """In the order of their numbers."""
    found: list[Reason] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def normal(text: str) -> str:
    """A reason as people write it in the form of the catalogue: `stream-not-found` is STREAM_NOT_FOUND."""
    return text.strip().upper().replace("-", "_").replace(" ", "_").removeprefix(PREFIX)


def find(text: str) -> Reason | None:
    """The reason of that name or number, or None."""
    name = normal(text)
    return next((each for each in all_reasons() if name in (each["reason"], str(each["number"]))), None)


def with_code(text: str) -> Sequence[Reason]:
    """The reasons that come with the gRPC code of that name."""
    return [each for each in all_reasons() if normal(text) in each["codes"]]


def near(text: str) -> Sequence[str]:
    """Reasons that the text may mean: those that contain it, or are spelt alike."""
    name = normal(text)
    names = [each["reason"] for each in all_reasons()]
    containing = [each for each in names if name and name in each]
    return (containing or difflib.get_close_matches(name, names, n=SUGGESTIONS_MAX, cutoff=0.5))[:SUGGESTIONS_MAX]
