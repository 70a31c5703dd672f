"""An event source mapping: its value, its states, and what may change when.

    create -> CREATING -+-> ENABLED  <-> UPDATING, DISABLING, ENABLING <-> DISABLED
                        +-> DISABLED                     delete -> DELETING -> gone

Requests begin a transition; the supervisor ends it with `settle` once the pollers follow. While one lasts, further
requests are refused.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from chassis.errors import Violations
from mapping_service.core import names
from mapping_service.core import policy as policies
from mapping_service.core.errors import EtagMismatch, MappingInUse
from mapping_service.core.policy import Policy

NO_RECORDS_PROCESSED = "No records processed"
USER_ACTION = "User action"


class MappingState(StrEnum):
    """What a mapping is doing, in the words of the contract."""

    CREATING = "CREATING"
    ENABLED = "ENABLED"
    UPDATING = "UPDATING"
    DISABLING = "DISABLING"
    DISABLED = "DISABLED"
    ENABLING = "ENABLING"
    DELETING = "DELETING"


SETTLED_STATES = frozenset({MappingState.ENABLED, MappingState.DISABLED})


class StartingPosition(StrEnum):
    """Where a mapping starts to read, once."""

    TRIM_HORIZON = "TRIM_HORIZON"
    LATEST = "LATEST"
    AT_TIMESTAMP = "AT_TIMESTAMP"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """The rule that brings a stream's records to a handler."""

    mapping_id: str
    """A UUID."""
    event_source: str
    """`streams/` and the stream's name; immutable."""
    handler_name: str
    starting_position: StartingPosition
    starting_position_millis: int | None = None
    """Unix milliseconds, only with AT_TIMESTAMP."""
    enabled: bool = True
    """What the user wants; `state` follows."""
    policy: Policy
    state: MappingState = MappingState.CREATING
    state_transition_reason: str = USER_ACTION
    last_processing_result: str = NO_RECORDS_PROCESSED
    stream_id: str | None = None
    """The incarnation that the leases belong to; None until the start was resolved (rule K2)."""
    version: int = 1
    """Raised by each change that a user asked for."""
    create_millis: int
    """Unix milliseconds."""
    modified_millis: int
    """Unix milliseconds: when the mapping or its state last changed."""

    @property
    def etag(self) -> str:
        """Opaque name of this version; processing results and state changes of our own keep it."""
        return str(self.version)

    @property
    def stream_name(self) -> str:
        """Name of the stream that is read."""
        return names.stream_of(self.event_source)

    @property
    def wants_pollers(self) -> bool:
        """Whether its shards are to be polled now. While UPDATING the pollers go on."""
        return self.enabled and self.state != MappingState.DELETING


def create(draft: EventSourceMapping, *, now_millis: int) -> EventSourceMapping:
    """Check a new mapping and give it its first state. Raises InvalidArgument with all that is wrong.

    That the handler is registered, and that no other mapping has the same source and handler, is the store's to say.
    """
    violations = Violations()
    _check_names(draft, violations)
    _check_start(draft, violations, now_millis=now_millis)
    policies.check(draft.policy, violations)
    violations.raise_if_any()
    return replace(draft, state=MappingState.CREATING, create_millis=now_millis, modified_millis=now_millis)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What a user asks to change; None keeps what is there."""

    handler_name: str | None = None
    enabled: bool | None = None
    policy: Policy | None = None
    etag: str | None = None
    """The version that the user saw; None means any."""


def update(mapping: EventSourceMapping, change: Update, *, now_millis: int) -> EventSourceMapping:
    """Begin a change. Raises InvalidArgument, EtagMismatch, or MappingInUse while a transition lasts."""
    check_may_change(mapping, etag=change.etag)
    changed = replace(
        mapping,
        handler_name=mapping.handler_name if change.handler_name is None else change.handler_name,
        enabled=mapping.enabled if change.enabled is None else change.enabled,
        policy=mapping.policy if change.policy is None else change.policy,
    )
    violations = Violations()
    _check_names(changed, violations)
    policies.check(changed.policy, violations)
    violations.raise_if_any()
    return _begin(changed, _transition(mapping, changed), now_millis=now_millis)


def delete(mapping: EventSourceMapping, *, etag: str | None, now_millis: int) -> EventSourceMapping:
    """Begin the deletion. Raises EtagMismatch, or MappingInUse while a transition lasts."""
    check_may_change(mapping, etag=etag)
    return _begin(mapping, MappingState.DELETING, now_millis=now_millis)


def settle(mapping: EventSourceMapping, *, now_millis: int) -> EventSourceMapping:
    """End a transition: ENABLED or DISABLED, as the user wants it. A settled or DELETING mapping stays as it is."""
    if mapping.state in SETTLED_STATES or mapping.state == MappingState.DELETING:
        return mapping
    state = MappingState.ENABLED if mapping.enabled else MappingState.DISABLED
    return replace(mapping, state=state, modified_millis=now_millis)


def check_may_change(mapping: EventSourceMapping, *, etag: str | None) -> None:
    """Raise MappingInUse while a transition lasts, EtagMismatch when another version was seen."""
    if mapping.state not in SETTLED_STATES:
        raise MappingInUse(mapping_id=mapping.mapping_id, state=mapping.state)
    if etag is not None and etag != mapping.etag:
        raise EtagMismatch(etag)


def _transition(before: EventSourceMapping, after: EventSourceMapping) -> MappingState:
    if before.enabled == after.enabled:
        return MappingState.UPDATING
    return MappingState.ENABLING if after.enabled else MappingState.DISABLING


def _begin(mapping: EventSourceMapping, state: MappingState, *, now_millis: int) -> EventSourceMapping:
    return replace(
        mapping,
        state=state,
        state_transition_reason=USER_ACTION,
        version=mapping.version + 1,
        modified_millis=now_millis,
    )


def _check_names(mapping: EventSourceMapping, violations: Violations) -> None:
    if not names.is_event_source(mapping.event_source):
        violations.add(
            "mapping.event_source",
            f"{mapping.event_source[:200]!r} is not an event source: 'streams/' and a stream's name are needed",
        )
    if not names.is_handler_name(mapping.handler_name):
        violations.add(
            "mapping.handler_name",
            f"{mapping.handler_name[:200]!r} is not {names.HANDLER_NAME_FORM}",
        )


def _check_start(mapping: EventSourceMapping, violations: Violations, *, now_millis: int) -> None:
    field, millis = "mapping.starting_position_time", mapping.starting_position_millis
    if mapping.starting_position != StartingPosition.AT_TIMESTAMP:
        if millis is not None:
            violations.add(field, "is allowed only with AT_TIMESTAMP")
    elif millis is None:
        violations.add(field, "is required with AT_TIMESTAMP")
    elif millis > now_millis:
        violations.add(field, f"{millis} ms is in the future; now is {now_millis} ms")
    elif millis < 0:
        violations.add(field, "is before 1970")
