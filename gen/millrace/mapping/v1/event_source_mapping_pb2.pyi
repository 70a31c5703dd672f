from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventSourceMappingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_SOURCE_MAPPING_STATE_UNSPECIFIED: _ClassVar[EventSourceMappingState]
    EVENT_SOURCE_MAPPING_STATE_CREATING: _ClassVar[EventSourceMappingState]
    EVENT_SOURCE_MAPPING_STATE_ENABLED: _ClassVar[EventSourceMappingState]
    EVENT_SOURCE_MAPPING_STATE_UPDATING: _ClassVar[EventSourceMappingState]
    EVENT_SOURCE_MAPPING_STATE_DISABLING: _ClassVar[EventSourceMappingState]
    EVENT_SOURCE_MAPPING_STATE_DISABLED: _ClassVar[EventSourceMappingState]
    EVENT_SOURCE_MAPPING_STATE_ENABLING: _ClassVar[EventSourceMappingState]
    EVENT_SOURCE_MAPPING_STATE_DELETING: _ClassVar[EventSourceMappingState]

class StartingPosition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STARTING_POSITION_UNSPECIFIED: _ClassVar[StartingPosition]
    STARTING_POSITION_TRIM_HORIZON: _ClassVar[StartingPosition]
    STARTING_POSITION_LATEST: _ClassVar[StartingPosition]
    STARTING_POSITION_AT_TIMESTAMP: _ClassVar[StartingPosition]

class ShardPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_PHASE_UNSPECIFIED: _ClassVar[ShardPhase]
    SHARD_PHASE_WAITING_FOR_PARENT: _ClassVar[ShardPhase]
    SHARD_PHASE_POLLING: _ClassVar[ShardPhase]
    SHARD_PHASE_FILLING_BATCH: _ClassVar[ShardPhase]
    SHARD_PHASE_INVOKING: _ClassVar[ShardPhase]
    SHARD_PHASE_BACKING_OFF: _ClassVar[ShardPhase]
    SHARD_PHASE_DRAINING: _ClassVar[ShardPhase]
    SHARD_PHASE_DONE: _ClassVar[ShardPhase]

class DeadLetterCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEAD_LETTER_CONDITION_UNSPECIFIED: _ClassVar[DeadLetterCondition]
    DEAD_LETTER_CONDITION_RETRY_ATTEMPTS_EXHAUSTED: _ClassVar[DeadLetterCondition]
    DEAD_LETTER_CONDITION_RECORD_AGE_EXCEEDED: _ClassVar[DeadLetterCondition]
EVENT_SOURCE_MAPPING_STATE_UNSPECIFIED: EventSourceMappingState
EVENT_SOURCE_MAPPING_STATE_CREATING: EventSourceMappingState
EVENT_SOURCE_MAPPING_STATE_ENABLED: EventSourceMappingState
EVENT_SOURCE_MAPPING_STATE_UPDATING: EventSourceMappingState
EVENT_SOURCE_MAPPING_STATE_DISABLING: EventSourceMappingState
EVENT_SOURCE_MAPPING_STATE_DISABLED: EventSourceMappingState
EVENT_SOURCE_MAPPING_STATE_ENABLING: EventSourceMappingState
EVENT_SOURCE_MAPPING_STATE_DELETING: EventSourceMappingState
STARTING_POSITION_UNSPECIFIED: StartingPosition
STARTING_POSITION_TRIM_HORIZON: StartingPosition
STARTING_POSITION_LATEST: StartingPosition
STARTING_POSITION_AT_TIMESTAMP: StartingPosition
SHARD_PHASE_UNSPECIFIED: ShardPhase
SHARD_PHASE_WAITING_FOR_PARENT: ShardPhase
SHARD_PHASE_POLLING: ShardPhase
SHARD_PHASE_FILLING_BATCH: ShardPhase
SHARD_PHASE_INVOKING: ShardPhase
SHARD_PHASE_BACKING_OFF: ShardPhase
SHARD_PHASE_DRAINING: ShardPhase
SHARD_PHASE_DONE: ShardPhase
DEAD_LETTER_CONDITION_UNSPECIFIED: DeadLetterCondition
DEAD_LETTER_CONDITION_RETRY_ATTEMPTS_EXHAUSTED: DeadLetterCondition
DEAD_LETTER_CONDITION_RECORD_AGE_EXCEEDED: DeadLetterCondition

class EventSourceMapping(_message.Message):
    __slots__ = ("mapping_id", "event_source", "handler_name", "starting_position", "starting_position_time", "enabled", "batch_size", "maximum_batching_window", "maximum_retry_attempts", "maximum_record_age", "bisect_batch_on_function_error", "report_batch_item_failures", "parallelization_factor", "tumbling_window", "filter_criteria", "destination_config", "state", "state_transition_reason", "last_processing_result", "last_modified_time", "create_time", "etag", "stream_id")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    STARTING_POSITION_FIELD_NUMBER: _ClassVar[int]
    STARTING_POSITION_TIME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_BATCHING_WINDOW_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_RETRY_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_RECORD_AGE_FIELD_NUMBER: _ClassVar[int]
    BISECT_BATCH_ON_FUNCTION_ERROR_FIELD_NUMBER: _ClassVar[int]
    REPORT_BATCH_ITEM_FAILURES_FIELD_NUMBER: _ClassVar[int]
    PARALLELIZATION_FACTOR_FIELD_NUMBER: _ClassVar[int]
    TUMBLING_WINDOW_FIELD_NUMBER: _ClassVar[int]
    FILTER_CRITERIA_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_TRANSITION_REASON_FIELD_NUMBER: _ClassVar[int]
    LAST_PROCESSING_RESULT_FIELD_NUMBER: _ClassVar[int]
    LAST_MODIFIED_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    event_source: str
    handler_name: str
    starting_position: StartingPosition
    starting_position_time: _timestamp_pb2.Timestamp
    enabled: bool
    batch_size: int
    maximum_batching_window: _duration_pb2.Duration
    maximum_retry_attempts: int
    maximum_record_age: _duration_pb2.Duration
    bisect_batch_on_function_error: bool
    report_batch_item_failures: bool
    parallelization_factor: int
    tumbling_window: _duration_pb2.Duration
    filter_criteria: FilterCriteria
    destination_config: DestinationConfig
    state: EventSourceMappingState
    state_transition_reason: str
    last_processing_result: str
    last_modified_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    etag: str
    stream_id: str
    def __init__(self, mapping_id: _Optional[str] = ..., event_source: _Optional[str] = ..., handler_name: _Optional[str] = ..., starting_position: _Optional[_Union[StartingPosition, str]] = ..., starting_position_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., enabled: bool = ..., batch_size: _Optional[int] = ..., maximum_batching_window: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., maximum_retry_attempts: _Optional[int] = ..., maximum_record_age: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., bisect_batch_on_function_error: bool = ..., report_batch_item_failures: bool = ..., parallelization_factor: _Optional[int] = ..., tumbling_window: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., filter_criteria: _Optional[_Union[FilterCriteria, _Mapping]] = ..., destination_config: _Optional[_Union[DestinationConfig, _Mapping]] = ..., state: _Optional[_Union[EventSourceMappingState, str]] = ..., state_transition_reason: _Optional[str] = ..., last_processing_result: _Optional[str] = ..., last_modified_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., stream_id: _Optional[str] = ...) -> None: ...

class FilterCriteria(_message.Message):
    __slots__ = ("patterns",)
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    patterns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, patterns: _Optional[_Iterable[str]] = ...) -> None: ...

class DestinationConfig(_message.Message):
    __slots__ = ("on_failure",)
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    on_failure: str
    def __init__(self, on_failure: _Optional[str] = ...) -> None: ...

class ShardProgress(_message.Message):
    __slots__ = ("shard_id", "phase", "checkpoint", "iterator_age", "records_behind", "attempts", "last_error", "lease_owner", "lease_epoch")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    ITERATOR_AGE_FIELD_NUMBER: _ClassVar[int]
    RECORDS_BEHIND_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    LEASE_OWNER_FIELD_NUMBER: _ClassVar[int]
    LEASE_EPOCH_FIELD_NUMBER: _ClassVar[int]
    shard_id: str
    phase: ShardPhase
    checkpoint: str
    iterator_age: _duration_pb2.Duration
    records_behind: int
    attempts: int
    last_error: str
    lease_owner: str
    lease_epoch: int
    def __init__(self, shard_id: _Optional[str] = ..., phase: _Optional[_Union[ShardPhase, str]] = ..., checkpoint: _Optional[str] = ..., iterator_age: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., records_behind: _Optional[int] = ..., attempts: _Optional[int] = ..., last_error: _Optional[str] = ..., lease_owner: _Optional[str] = ..., lease_epoch: _Optional[int] = ...) -> None: ...

class DeadLetter(_message.Message):
    __slots__ = ("dead_letter_id", "mapping_id", "shard_id", "first_sequence_number", "last_sequence_number", "record_count", "condition", "attempts", "last_error", "create_time")
    DEAD_LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    dead_letter_id: str
    mapping_id: str
    shard_id: str
    first_sequence_number: str
    last_sequence_number: str
    record_count: int
    condition: DeadLetterCondition
    attempts: int
    last_error: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, dead_letter_id: _Optional[str] = ..., mapping_id: _Optional[str] = ..., shard_id: _Optional[str] = ..., first_sequence_number: _Optional[str] = ..., last_sequence_number: _Optional[str] = ..., record_count: _Optional[int] = ..., condition: _Optional[_Union[DeadLetterCondition, str]] = ..., attempts: _Optional[int] = ..., last_error: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AuditEntry(_message.Message):
    __slots__ = ("action", "actor", "reason", "create_time")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    action: str
    actor: str
    reason: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, action: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
