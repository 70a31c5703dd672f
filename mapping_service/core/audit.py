"""What moved a mapping other than delivery, kept for those who ask later."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What was done."""

    STREAM_CREATED_AGAIN = "stream_created_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One move of a mapping."""

    mapping_id: str
    action: Action
    actor: str
    """Who did it: `mapping_service` for what it does by itself."""
    reason: str
    """Why, in words for people."""
    create_millis: int
    """When, in unix milliseconds."""
