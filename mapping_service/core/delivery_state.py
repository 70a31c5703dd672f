"""What must survive a restart beside the checkpoint: a JSON document with a version (rule K4).

    {"version": 1, "lanes": [{"checkpoint": 41, "backoff_millis": 350, "failing": [
        {"first": 45, "last": 48, "count": 4, "attempts": 0},
        {"first": 42, "last": 44, "count": 3, "attempts": 2, "last_error": "INTERNAL: ..."}]}]}

`failing` is the stack of a failing batch, its top last. The back-off is what was left when it was written: a duration,
because a date would be by a clock of another process. There is one lane until lanes are built.
"""

import json
from dataclasses import dataclass

from mapping_service.core.work import Work

VERSION = 1


class StateNotReadable(Exception):
    """The stored delivery state is of a version that this program does not know, or damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryState:
    """What a restart continues from."""

    checkpoint: int
    failing: tuple[Work, ...] = ()
    """The stack, its top last; without their records."""
    backoff_seconds: float = 0.0


def encode(state: DeliveryState) -> str | None:
    """The document; None when the checkpoint alone says everything."""
    if not state.failing:
        return None
    lane = {
        "checkpoint": state.checkpoint,
        "backoff_millis": round(state.backoff_seconds * 1000),
        "failing": [_entry(work) for work in state.failing],
    }
    return json.dumps({"version": VERSION, "lanes": [lane]}, separators=(",", ":"))


def decode(text: str | None, *, checkpoint: int) -> DeliveryState:
    """Read a document; None is a state without failures at the row's checkpoint. Raises StateNotReadable."""
    if text is None:
        return DeliveryState(checkpoint=checkpoint)
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            raise StateNotReadable(f"the delivery state has version {document['version']}; {VERSION} is known")
        (lane,) = document["lanes"]
        failing = tuple(_work(entry) for entry in lane["failing"] if entry["last"] > checkpoint)
        return DeliveryState(
            checkpoint=checkpoint, failing=failing, backoff_seconds=float(lane["backoff_millis"]) / 1000
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StateNotReadable("the delivery state is damaged") from error


def _entry(work: Work) -> dict[str, int | str]:
    entry: dict[str, int | str] = {
        "first": work.first,
        "last": work.last,
        "count": work.count,
        "attempts": work.attempts,
    }
    if work.breaks:
        entry["breaks"] = work.breaks
    if work.last_error:
        entry["last_error"] = work.last_error
    return entry


def _work(entry: dict[str, int | str]) -> Work:
    return Work(
        first=int(entry["first"]),
        last=int(entry["last"]),
        count=int(entry["count"]),
        attempts=int(entry["attempts"]),
        breaks=int(entry.get("breaks", 0)),
        last_error=str(entry.get("last_error", "")),
    )
