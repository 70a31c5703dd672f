from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from millrace.handler.v1 import handler_service_pb2 as _handler_service_pb2
from millrace.mapping.v1 import event_source_mapping_pb2 as _event_source_mapping_pb2
from millrace.stream.v1 import record_pb2 as _record_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateEventSourceMappingRequest(_message.Message):
    __slots__ = ("mapping", "request_id", "validate_only")
    MAPPING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    mapping: _event_source_mapping_pb2.EventSourceMapping
    request_id: str
    validate_only: bool
    def __init__(self, mapping: _Optional[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class CreateEventSourceMappingResponse(_message.Message):
    __slots__ = ("mapping",)
    MAPPING_FIELD_NUMBER: _ClassVar[int]
    mapping: _event_source_mapping_pb2.EventSourceMapping
    def __init__(self, mapping: _Optional[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]] = ...) -> None: ...

class GetEventSourceMappingRequest(_message.Message):
    __slots__ = ("mapping_id",)
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    def __init__(self, mapping_id: _Optional[str] = ...) -> None: ...

class GetEventSourceMappingResponse(_message.Message):
    __slots__ = ("mapping",)
    MAPPING_FIELD_NUMBER: _ClassVar[int]
    mapping: _event_source_mapping_pb2.EventSourceMapping
    def __init__(self, mapping: _Optional[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]] = ...) -> None: ...

class ListEventSourceMappingsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "event_source", "handler_name")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EVENT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    event_source: str
    handler_name: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., event_source: _Optional[str] = ..., handler_name: _Optional[str] = ...) -> None: ...

class ListEventSourceMappingsResponse(_message.Message):
    __slots__ = ("mappings", "next_page_token")
    MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    mappings: _containers.RepeatedCompositeFieldContainer[_event_source_mapping_pb2.EventSourceMapping]
    next_page_token: str
    def __init__(self, mappings: _Optional[_Iterable[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateEventSourceMappingRequest(_message.Message):
    __slots__ = ("mapping", "update_mask", "validate_only")
    MAPPING_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    mapping: _event_source_mapping_pb2.EventSourceMapping
    update_mask: _field_mask_pb2.FieldMask
    validate_only: bool
    def __init__(self, mapping: _Optional[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., validate_only: bool = ...) -> None: ...

class UpdateEventSourceMappingResponse(_message.Message):
    __slots__ = ("mapping",)
    MAPPING_FIELD_NUMBER: _ClassVar[int]
    mapping: _event_source_mapping_pb2.EventSourceMapping
    def __init__(self, mapping: _Optional[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]] = ...) -> None: ...

class DeleteEventSourceMappingRequest(_message.Message):
    __slots__ = ("mapping_id", "etag")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    etag: str
    def __init__(self, mapping_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DeleteEventSourceMappingResponse(_message.Message):
    __slots__ = ("mapping",)
    MAPPING_FIELD_NUMBER: _ClassVar[int]
    mapping: _event_source_mapping_pb2.EventSourceMapping
    def __init__(self, mapping: _Optional[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]] = ...) -> None: ...

class ListShardProgressRequest(_message.Message):
    __slots__ = ("mapping_id", "page_size", "page_token")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    page_size: int
    page_token: str
    def __init__(self, mapping_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListShardProgressResponse(_message.Message):
    __slots__ = ("shards", "next_page_token")
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    shards: _containers.RepeatedCompositeFieldContainer[_event_source_mapping_pb2.ShardProgress]
    next_page_token: str
    def __init__(self, shards: _Optional[_Iterable[_Union[_event_source_mapping_pb2.ShardProgress, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SeekEventSourceMappingRequest(_message.Message):
    __slots__ = ("mapping_id", "position", "time", "shard_id", "reason", "validate_only")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    position: _event_source_mapping_pb2.StartingPosition
    time: _timestamp_pb2.Timestamp
    shard_id: str
    reason: str
    validate_only: bool
    def __init__(self, mapping_id: _Optional[str] = ..., position: _Optional[_Union[_event_source_mapping_pb2.StartingPosition, str]] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., shard_id: _Optional[str] = ..., reason: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class SeekEventSourceMappingResponse(_message.Message):
    __slots__ = ("record_count",)
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    record_count: int
    def __init__(self, record_count: _Optional[int] = ...) -> None: ...

class SkipRecordsRequest(_message.Message):
    __slots__ = ("mapping_id", "shard_id", "first_sequence_number", "last_sequence_number", "reason")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    shard_id: str
    first_sequence_number: str
    last_sequence_number: str
    reason: str
    def __init__(self, mapping_id: _Optional[str] = ..., shard_id: _Optional[str] = ..., first_sequence_number: _Optional[str] = ..., last_sequence_number: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SkipRecordsResponse(_message.Message):
    __slots__ = ("record_count",)
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    record_count: int
    def __init__(self, record_count: _Optional[int] = ...) -> None: ...

class PauseEventSourceMappingRequest(_message.Message):
    __slots__ = ("mapping_id", "reason")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    reason: str
    def __init__(self, mapping_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PauseEventSourceMappingResponse(_message.Message):
    __slots__ = ("mapping",)
    MAPPING_FIELD_NUMBER: _ClassVar[int]
    mapping: _event_source_mapping_pb2.EventSourceMapping
    def __init__(self, mapping: _Optional[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]] = ...) -> None: ...

class ResumeEventSourceMappingRequest(_message.Message):
    __slots__ = ("mapping_id", "reason")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    reason: str
    def __init__(self, mapping_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeEventSourceMappingResponse(_message.Message):
    __slots__ = ("mapping",)
    MAPPING_FIELD_NUMBER: _ClassVar[int]
    mapping: _event_source_mapping_pb2.EventSourceMapping
    def __init__(self, mapping: _Optional[_Union[_event_source_mapping_pb2.EventSourceMapping, _Mapping]] = ...) -> None: ...

class ListAuditEntriesRequest(_message.Message):
    __slots__ = ("mapping_id", "page_size", "page_token")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    page_size: int
    page_token: str
    def __init__(self, mapping_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAuditEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_event_source_mapping_pb2.AuditEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[_event_source_mapping_pb2.AuditEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CaptureBatchesRequest(_message.Message):
    __slots__ = ("mapping_id", "limit")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    limit: int
    def __init__(self, mapping_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class CaptureBatchesResponse(_message.Message):
    __slots__ = ("request", "response")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    request: _handler_service_pb2.InvokeRequest
    response: _handler_service_pb2.InvokeResponse
    def __init__(self, request: _Optional[_Union[_handler_service_pb2.InvokeRequest, _Mapping]] = ..., response: _Optional[_Union[_handler_service_pb2.InvokeResponse, _Mapping]] = ...) -> None: ...

class TestFilterCriteriaRequest(_message.Message):
    __slots__ = ("event_source", "filter_criteria", "limit")
    EVENT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    FILTER_CRITERIA_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    event_source: str
    filter_criteria: _event_source_mapping_pb2.FilterCriteria
    limit: int
    def __init__(self, event_source: _Optional[str] = ..., filter_criteria: _Optional[_Union[_event_source_mapping_pb2.FilterCriteria, _Mapping]] = ..., limit: _Optional[int] = ...) -> None: ...

class TestFilterCriteriaResponse(_message.Message):
    __slots__ = ("kept_sequence_numbers", "record_count")
    KEPT_SEQUENCE_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    kept_sequence_numbers: _containers.RepeatedScalarFieldContainer[str]
    record_count: int
    def __init__(self, kept_sequence_numbers: _Optional[_Iterable[str]] = ..., record_count: _Optional[int] = ...) -> None: ...

class ListDeadLettersRequest(_message.Message):
    __slots__ = ("mapping_id", "page_size", "page_token")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    page_size: int
    page_token: str
    def __init__(self, mapping_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDeadLettersResponse(_message.Message):
    __slots__ = ("dead_letters", "next_page_token")
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    dead_letters: _containers.RepeatedCompositeFieldContainer[_event_source_mapping_pb2.DeadLetter]
    next_page_token: str
    def __init__(self, dead_letters: _Optional[_Iterable[_Union[_event_source_mapping_pb2.DeadLetter, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDeadLetterRequest(_message.Message):
    __slots__ = ("dead_letter_id",)
    DEAD_LETTER_ID_FIELD_NUMBER: _ClassVar[int]
    dead_letter_id: str
    def __init__(self, dead_letter_id: _Optional[str] = ...) -> None: ...

class GetDeadLetterResponse(_message.Message):
    __slots__ = ("dead_letter", "records")
    DEAD_LETTER_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    dead_letter: _event_source_mapping_pb2.DeadLetter
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    def __init__(self, dead_letter: _Optional[_Union[_event_source_mapping_pb2.DeadLetter, _Mapping]] = ..., records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ...) -> None: ...

class RedriveDeadLettersRequest(_message.Message):
    __slots__ = ("mapping_id", "condition", "limit", "validate_only")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    condition: _event_source_mapping_pb2.DeadLetterCondition
    limit: int
    validate_only: bool
    def __init__(self, mapping_id: _Optional[str] = ..., condition: _Optional[_Union[_event_source_mapping_pb2.DeadLetterCondition, str]] = ..., limit: _Optional[int] = ..., validate_only: bool = ...) -> None: ...

class RedriveDeadLettersResponse(_message.Message):
    __slots__ = ("dead_letter_count",)
    DEAD_LETTER_COUNT_FIELD_NUMBER: _ClassVar[int]
    dead_letter_count: int
    def __init__(self, dead_letter_count: _Optional[int] = ...) -> None: ...

class DeleteDeadLettersRequest(_message.Message):
    __slots__ = ("mapping_id", "dead_letter_ids")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTER_IDS_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    dead_letter_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mapping_id: _Optional[str] = ..., dead_letter_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteDeadLettersResponse(_message.Message):
    __slots__ = ("dead_letter_count",)
    DEAD_LETTER_COUNT_FIELD_NUMBER: _ClassVar[int]
    dead_letter_count: int
    def __init__(self, dead_letter_count: _Optional[int] = ...) -> None: ...
