from google.protobuf import timestamp_pb2 as _timestamp_pb2
from millrace.stream.v1 import record_pb2 as _record_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InvokeRequest(_message.Message):
    __slots__ = ("records", "invocation_id", "mapping_id", "event_source", "shard_id", "role_name", "attempt", "epoch", "window", "state", "is_final_invoke_for_window", "is_window_terminated_early")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    INVOCATION_ID_FIELD_NUMBER: _ClassVar[int]
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_INVOKE_FOR_WINDOW_FIELD_NUMBER: _ClassVar[int]
    IS_WINDOW_TERMINATED_EARLY_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    invocation_id: str
    mapping_id: str
    event_source: str
    shard_id: str
    role_name: str
    attempt: int
    epoch: int
    window: TumblingWindow
    state: bytes
    is_final_invoke_for_window: bool
    is_window_terminated_early: bool
    def __init__(self, records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ..., invocation_id: _Optional[str] = ..., mapping_id: _Optional[str] = ..., event_source: _Optional[str] = ..., shard_id: _Optional[str] = ..., role_name: _Optional[str] = ..., attempt: _Optional[int] = ..., epoch: _Optional[int] = ..., window: _Optional[_Union[TumblingWindow, _Mapping]] = ..., state: _Optional[bytes] = ..., is_final_invoke_for_window: bool = ..., is_window_terminated_early: bool = ...) -> None: ...

class TumblingWindow(_message.Message):
    __slots__ = ("start_time", "end_time")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchItemFailure(_message.Message):
    __slots__ = ("sequence_number", "message")
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    sequence_number: str
    message: str
    def __init__(self, sequence_number: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class HandlerError(_message.Message):
    __slots__ = ("type", "message", "stack_trace", "retryable")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STACK_TRACE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    type: str
    message: str
    stack_trace: str
    retryable: bool
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ..., stack_trace: _Optional[str] = ..., retryable: bool = ...) -> None: ...

class InvokeResponse(_message.Message):
    __slots__ = ("batch_item_failures", "state", "error")
    BATCH_ITEM_FAILURES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    batch_item_failures: _containers.RepeatedCompositeFieldContainer[BatchItemFailure]
    state: bytes
    error: HandlerError
    def __init__(self, batch_item_failures: _Optional[_Iterable[_Union[BatchItemFailure, _Mapping]]] = ..., state: _Optional[bytes] = ..., error: _Optional[_Union[HandlerError, _Mapping]] = ...) -> None: ...
