from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_STATUS_UNSPECIFIED: _ClassVar[StreamStatus]
    STREAM_STATUS_CREATING: _ClassVar[StreamStatus]
    STREAM_STATUS_ACTIVE: _ClassVar[StreamStatus]
    STREAM_STATUS_UPDATING: _ClassVar[StreamStatus]
    STREAM_STATUS_DELETING: _ClassVar[StreamStatus]

class StreamConsumerStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_CONSUMER_STATUS_UNSPECIFIED: _ClassVar[StreamConsumerStatus]
    STREAM_CONSUMER_STATUS_CREATING: _ClassVar[StreamConsumerStatus]
    STREAM_CONSUMER_STATUS_ACTIVE: _ClassVar[StreamConsumerStatus]
    STREAM_CONSUMER_STATUS_DELETING: _ClassVar[StreamConsumerStatus]
STREAM_STATUS_UNSPECIFIED: StreamStatus
STREAM_STATUS_CREATING: StreamStatus
STREAM_STATUS_ACTIVE: StreamStatus
STREAM_STATUS_UPDATING: StreamStatus
STREAM_STATUS_DELETING: StreamStatus
STREAM_CONSUMER_STATUS_UNSPECIFIED: StreamConsumerStatus
STREAM_CONSUMER_STATUS_CREATING: StreamConsumerStatus
STREAM_CONSUMER_STATUS_ACTIVE: StreamConsumerStatus
STREAM_CONSUMER_STATUS_DELETING: StreamConsumerStatus

class Stream(_message.Message):
    __slots__ = ("stream_name", "stream_id", "status", "retention_period", "max_record_size_bytes", "open_shard_count", "consumer_count", "create_time", "etag", "tags", "write_limits", "retention_bytes_per_shard", "read_limits")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_PERIOD_FIELD_NUMBER: _ClassVar[int]
    MAX_RECORD_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    OPEN_SHARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    WRITE_LIMITS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_BYTES_PER_SHARD_FIELD_NUMBER: _ClassVar[int]
    READ_LIMITS_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    stream_id: str
    status: StreamStatus
    retention_period: _duration_pb2.Duration
    max_record_size_bytes: int
    open_shard_count: int
    consumer_count: int
    create_time: _timestamp_pb2.Timestamp
    etag: str
    tags: _containers.ScalarMap[str, str]
    write_limits: WriteLimits
    retention_bytes_per_shard: int
    read_limits: ReadLimits
    def __init__(self, stream_name: _Optional[str] = ..., stream_id: _Optional[str] = ..., status: _Optional[_Union[StreamStatus, str]] = ..., retention_period: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., max_record_size_bytes: _Optional[int] = ..., open_shard_count: _Optional[int] = ..., consumer_count: _Optional[int] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., write_limits: _Optional[_Union[WriteLimits, _Mapping]] = ..., retention_bytes_per_shard: _Optional[int] = ..., read_limits: _Optional[_Union[ReadLimits, _Mapping]] = ...) -> None: ...

class WriteLimits(_message.Message):
    __slots__ = ("bytes_per_second", "records_per_second")
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    RECORDS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    bytes_per_second: int
    records_per_second: int
    def __init__(self, bytes_per_second: _Optional[int] = ..., records_per_second: _Optional[int] = ...) -> None: ...

class ReadLimits(_message.Message):
    __slots__ = ("bytes_per_second", "calls_per_second")
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    CALLS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    bytes_per_second: int
    calls_per_second: int
    def __init__(self, bytes_per_second: _Optional[int] = ..., calls_per_second: _Optional[int] = ...) -> None: ...

class StreamLimits(_message.Message):
    __slots__ = ("open_shard_count_max", "consumer_count_max", "tag_count_max", "put_records_max", "put_bytes_max", "get_records_max", "get_bytes_max")
    OPEN_SHARD_COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    TAG_COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    PUT_RECORDS_MAX_FIELD_NUMBER: _ClassVar[int]
    PUT_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    GET_RECORDS_MAX_FIELD_NUMBER: _ClassVar[int]
    GET_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    open_shard_count_max: int
    consumer_count_max: int
    tag_count_max: int
    put_records_max: int
    put_bytes_max: int
    get_records_max: int
    get_bytes_max: int
    def __init__(self, open_shard_count_max: _Optional[int] = ..., consumer_count_max: _Optional[int] = ..., tag_count_max: _Optional[int] = ..., put_records_max: _Optional[int] = ..., put_bytes_max: _Optional[int] = ..., get_records_max: _Optional[int] = ..., get_bytes_max: _Optional[int] = ...) -> None: ...

class HashKeyRange(_message.Message):
    __slots__ = ("starting_hash_key", "ending_hash_key")
    STARTING_HASH_KEY_FIELD_NUMBER: _ClassVar[int]
    ENDING_HASH_KEY_FIELD_NUMBER: _ClassVar[int]
    starting_hash_key: str
    ending_hash_key: str
    def __init__(self, starting_hash_key: _Optional[str] = ..., ending_hash_key: _Optional[str] = ...) -> None: ...

class SequenceNumberRange(_message.Message):
    __slots__ = ("starting_sequence_number", "ending_sequence_number")
    STARTING_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENDING_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    starting_sequence_number: str
    ending_sequence_number: str
    def __init__(self, starting_sequence_number: _Optional[str] = ..., ending_sequence_number: _Optional[str] = ...) -> None: ...

class Shard(_message.Message):
    __slots__ = ("shard_id", "parent_shard_id", "adjacent_parent_shard_id", "hash_key_range", "sequence_number_range", "create_time", "close_time")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    ADJACENT_PARENT_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    HASH_KEY_RANGE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_RANGE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    shard_id: str
    parent_shard_id: str
    adjacent_parent_shard_id: str
    hash_key_range: HashKeyRange
    sequence_number_range: SequenceNumberRange
    create_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    def __init__(self, shard_id: _Optional[str] = ..., parent_shard_id: _Optional[str] = ..., adjacent_parent_shard_id: _Optional[str] = ..., hash_key_range: _Optional[_Union[HashKeyRange, _Mapping]] = ..., sequence_number_range: _Optional[_Union[SequenceNumberRange, _Mapping]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ShardTraffic(_message.Message):
    __slots__ = ("shard_id", "record_count", "byte_count", "record_share", "byte_share")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    BYTE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECORD_SHARE_FIELD_NUMBER: _ClassVar[int]
    BYTE_SHARE_FIELD_NUMBER: _ClassVar[int]
    shard_id: str
    record_count: int
    byte_count: int
    record_share: float
    byte_share: float
    def __init__(self, shard_id: _Optional[str] = ..., record_count: _Optional[int] = ..., byte_count: _Optional[int] = ..., record_share: _Optional[float] = ..., byte_share: _Optional[float] = ...) -> None: ...

class ChildShard(_message.Message):
    __slots__ = ("shard_id", "parent_shard_ids", "hash_key_range")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_SHARD_IDS_FIELD_NUMBER: _ClassVar[int]
    HASH_KEY_RANGE_FIELD_NUMBER: _ClassVar[int]
    shard_id: str
    parent_shard_ids: _containers.RepeatedScalarFieldContainer[str]
    hash_key_range: HashKeyRange
    def __init__(self, shard_id: _Optional[str] = ..., parent_shard_ids: _Optional[_Iterable[str]] = ..., hash_key_range: _Optional[_Union[HashKeyRange, _Mapping]] = ...) -> None: ...

class StreamConsumer(_message.Message):
    __slots__ = ("consumer_name", "stream_name", "status", "create_time", "consumer_id")
    CONSUMER_NAME_FIELD_NUMBER: _ClassVar[int]
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    consumer_name: str
    stream_name: str
    status: StreamConsumerStatus
    create_time: _timestamp_pb2.Timestamp
    consumer_id: str
    def __init__(self, consumer_name: _Optional[str] = ..., stream_name: _Optional[str] = ..., status: _Optional[_Union[StreamConsumerStatus, str]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., consumer_id: _Optional[str] = ...) -> None: ...
