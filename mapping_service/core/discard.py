"""What is left of records that are given up, and the names of batches."""

import uuid
from dataclasses import dataclass

from mapping_service.core import names
from mapping_service.core.batch import Batch
from mapping_service.core.dead_letter import Condition, DeadLetter
from mapping_service.core.policy import Policy

_NAMESPACE = uuid.UUID("6d1b2f2e-5b7e-5c39-9c0e-1f5a4d3b8a70")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardIdentity:
    """Which shard of which mapping a machine delivers."""

    mapping_id: str
    shard_id: str
    shard_index: int
    generation: int = 0
    """Raised by a seek: a replay after it has new invocation ids."""

    def invocation_id(self, first: int, last: int) -> str:
        """Name of the batch with this range: the same in every process (rule K4)."""
        return str(uuid.uuid5(_NAMESPACE, f"{self._name}/{first}/{last}/{self.generation}"))

    def dead_letter_id(self, first: int, last: int) -> str:
        """Name of the dead letter with this range."""
        return str(uuid.uuid5(_NAMESPACE, f"dead/{self._name}/{first}/{last}/{self.generation}"))

    @property
    def _name(self) -> str:
        return f"{self.mapping_id}/{self.shard_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why records are given up."""

    condition: Condition
    attempts: int = 0
    last_error: str = ""


def dead_letter(identity: ShardIdentity, batch: Batch, cause: Cause, *, create_millis: int) -> DeadLetter:
    """The dead letter of a batch, with its records."""
    return DeadLetter(
        dead_letter_id=identity.dead_letter_id(batch.first, batch.last),
        mapping_id=identity.mapping_id,
        shard_id=identity.shard_id,
        shard_index=identity.shard_index,
        first=batch.first,
        last=batch.last,
        count=batch.count,
        condition=cause.condition,
        attempts=cause.attempts,
        last_error=cause.last_error,
        payload=batch.payload(),
        create_millis=create_millis,
    )


def expiry_number(policy: Policy, *, service_millis: int) -> int:
    """Records with numbers below this are too old to be sent; 0 when there is no maximum age.

    A record is too old as soon as its age reaches the limit. Numbers rise with arrival, so the old ones come first.
    """
    if policy.maximum_record_age_seconds is None:
        return 0
    return names.first_number_at(service_millis - policy.maximum_record_age_seconds * 1000 + 1)
