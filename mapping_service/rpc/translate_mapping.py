"""Event source mappings between the wire and the core."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from google.protobuf import timestamp_pb2
from millrace.mapping.v1 import event_source_mapping_pb2 as pb

from chassis.errors import Violations
from mapping_service.core.mapping import EventSourceMapping, StartingPosition
from mapping_service.core.policy import BATCH_SIZE_DEFAULT, Policy
from mapping_service.rpc import fields
from mapping_service.service import MappingChange

_POSITION_PREFIX = "STARTING_POSITION_"
_STATE_PREFIX = "EVENT_SOURCE_MAPPING_STATE_"
_OUTPUT_ONLY = (
    "mapping_id",
    "state",
    "state_transition_reason",
    "last_processing_result",
    "last_modified_time",
    "create_time",
    "etag",
    "stream_id",
)


def draft(message: pb.EventSourceMapping, violations: Violations) -> EventSourceMapping:
    """A new mapping as it was asked for; the core checks what it can."""
    fields.output_only(violations, message, "mapping", _OUTPUT_ONLY)
    _refuse_unbuilt(message, violations)
    time = message.starting_position_time if message.HasField("starting_position_time") else None
    return EventSourceMapping(
        mapping_id=str(uuid.uuid4()),
        event_source=message.event_source,
        handler_name=message.handler_name,
        starting_position=_starting_position(message.starting_position, violations),
        starting_position_millis=fields.millis(violations, "mapping.starting_position_time", time) if time else None,
        enabled=message.enabled if message.HasField("enabled") else True,
        policy=replace(Policy(), **{knob: read(message, violations) for knob, read in _KNOBS.values()}),
        create_millis=0,
        modified_millis=0,
    )


def change(message: pb.EventSourceMapping, paths: list[str], violations: Violations) -> MappingChange:
    """What an update asks for. A field that is named and unset goes back to its default."""
    named = fields.mask_paths(violations, paths, allowed=_CHANGEABLE)
    mapping_id = fields.uuid(violations, "mapping.mapping_id", message.mapping_id)
    if not _UNBUILT.isdisjoint(named):
        _refuse_unbuilt(message, violations)
    knobs = {_KNOBS[path][0]: _KNOBS[path][1](message, violations) for path in named if path in _KNOBS}
    enabled = message.enabled if message.HasField("enabled") else True
    return MappingChange(
        mapping_id=mapping_id,
        etag=fields.etag(violations, "mapping.etag", message.etag),
        handler_name=message.handler_name if "handler_name" in named else None,
        enabled=enabled if "enabled" in named else None,
        knobs=knobs,
    )


def message_of(mapping: EventSourceMapping) -> pb.EventSourceMapping:
    """A mapping with its effective values."""
    policy = mapping.policy
    message = pb.EventSourceMapping(
        mapping_id=mapping.mapping_id,
        event_source=mapping.event_source,
        handler_name=mapping.handler_name,
        starting_position=_POSITION_PREFIX + mapping.starting_position,
        batch_size=policy.batch_size,
        maximum_retry_attempts=policy.maximum_retry_attempts,
        bisect_batch_on_function_error=policy.bisect_batch_on_function_error,
        report_batch_item_failures=policy.report_batch_item_failures,
        parallelization_factor=1,
        state=_STATE_PREFIX + mapping.state,
        state_transition_reason=mapping.state_transition_reason,
        last_processing_result=mapping.last_processing_result,
        last_modified_time=_time(mapping.modified_millis),
        create_time=_time(mapping.create_millis),
        etag=mapping.etag,
        stream_id=mapping.stream_id or "",
    )
    message.maximum_batching_window.FromSeconds(policy.batching_window_seconds)
    message.tumbling_window.FromSeconds(0)
    if policy.maximum_record_age_seconds is not None:
        message.maximum_record_age.FromSeconds(policy.maximum_record_age_seconds)
    if mapping.starting_position_millis is not None:
        message.starting_position_time.CopyFrom(_time(mapping.starting_position_millis))
    return message


def _starting_position(value: int, violations: Violations) -> StartingPosition:
    try:
        return StartingPosition(pb.StartingPosition.Name(value).removeprefix(_POSITION_PREFIX))
    except ValueError:
        allowed = ", ".join(StartingPosition)
        violations.add("mapping.starting_position", f"{value} is not a starting position; one of {allowed} is required")
        return StartingPosition.TRIM_HORIZON


def _refuse_unbuilt(message: pb.EventSourceMapping, violations: Violations) -> None:
    """Knobs that this version does not have: what would change nothing passes."""
    if message.HasField("parallelization_factor") and message.parallelization_factor != 1:
        text = f"{message.parallelization_factor} is not served by this version: leave it unset, or 1"
        violations.add("mapping.parallelization_factor", text)
    if message.tumbling_window.seconds or message.tumbling_window.nanos:
        violations.add("mapping.tumbling_window", "is not served by this version: leave it unset, or 0")
    for name in ("filter_criteria", "destination_config"):
        if message.HasField(name):
            violations.add(f"mapping.{name}", "is not served by this version: leave it unset")


def _time(millis: int) -> timestamp_pb2.Timestamp:
    time = timestamp_pb2.Timestamp()
    time.FromMilliseconds(millis)
    return time


def _batch_size(message: pb.EventSourceMapping, violations: Violations) -> int:
    return message.batch_size if message.HasField("batch_size") else BATCH_SIZE_DEFAULT


def _window(message: pb.EventSourceMapping, violations: Violations) -> int:
    return fields.whole_seconds(violations, "mapping.maximum_batching_window", message.maximum_batching_window)


def _retries(message: pb.EventSourceMapping, violations: Violations) -> int | None:
    return message.maximum_retry_attempts if message.HasField("maximum_retry_attempts") else None


def _age(message: pb.EventSourceMapping, violations: Violations) -> int | None:
    if not message.HasField("maximum_record_age"):
        return None
    return fields.whole_seconds(violations, "mapping.maximum_record_age", message.maximum_record_age)


def _bisect(message: pb.EventSourceMapping, violations: Violations) -> bool:
    return message.bisect_batch_on_function_error


def _report(message: pb.EventSourceMapping, violations: Violations) -> bool:
    return message.report_batch_item_failures


_Read = Callable[[pb.EventSourceMapping, Violations], Any]
_KNOBS: dict[str, tuple[str, _Read]] = {
    "batch_size": ("batch_size", _batch_size),
    "maximum_batching_window": ("batching_window_seconds", _window),
    "maximum_retry_attempts": ("maximum_retry_attempts", _retries),
    "maximum_record_age": ("maximum_record_age_seconds", _age),
    "bisect_batch_on_function_error": ("bisect_batch_on_function_error", _bisect),
    "report_batch_item_failures": ("report_batch_item_failures", _report),
}
"""Field on the wire -> field of Policy, and how it is read."""
_UNBUILT = frozenset({"parallelization_factor", "tumbling_window", "filter_criteria", "destination_config"})
_CHANGEABLE = frozenset({"handler_name", "enabled", *_KNOBS, *_UNBUILT})
