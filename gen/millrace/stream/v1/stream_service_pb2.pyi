from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from millrace.stream.v1 import record_pb2 as _record_pb2
from millrace.stream.v1 import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ShardFilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_FILTER_TYPE_UNSPECIFIED: _ClassVar[ShardFilterType]
    SHARD_FILTER_TYPE_AFTER_SHARD_ID: _ClassVar[ShardFilterType]
    SHARD_FILTER_TYPE_AT_TRIM_HORIZON: _ClassVar[ShardFilterType]
    SHARD_FILTER_TYPE_FROM_TRIM_HORIZON: _ClassVar[ShardFilterType]
    SHARD_FILTER_TYPE_AT_LATEST: _ClassVar[ShardFilterType]
    SHARD_FILTER_TYPE_AT_TIMESTAMP: _ClassVar[ShardFilterType]
    SHARD_FILTER_TYPE_FROM_TIMESTAMP: _ClassVar[ShardFilterType]

class ShardIteratorType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_ITERATOR_TYPE_UNSPECIFIED: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AT_TIMESTAMP: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_TRIM_HORIZON: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_LATEST: _ClassVar[ShardIteratorType]

class WatchReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WATCH_REASON_UNSPECIFIED: _ClassVar[WatchReason]
    WATCH_REASON_GROWN: _ClassVar[WatchReason]
    WATCH_REASON_CLOSED: _ClassVar[WatchReason]
    WATCH_REASON_DELETED: _ClassVar[WatchReason]
    WATCH_REASON_TRIMMED: _ClassVar[WatchReason]
    WATCH_REASON_APPEARED: _ClassVar[WatchReason]
SHARD_FILTER_TYPE_UNSPECIFIED: ShardFilterType
SHARD_FILTER_TYPE_AFTER_SHARD_ID: ShardFilterType
SHARD_FILTER_TYPE_AT_TRIM_HORIZON: ShardFilterType
SHARD_FILTER_TYPE_FROM_TRIM_HORIZON: ShardFilterType
SHARD_FILTER_TYPE_AT_LATEST: ShardFilterType
SHARD_FILTER_TYPE_AT_TIMESTAMP: ShardFilterType
SHARD_FILTER_TYPE_FROM_TIMESTAMP: ShardFilterType
SHARD_ITERATOR_TYPE_UNSPECIFIED: ShardIteratorType
SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER: ShardIteratorType
SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER: ShardIteratorType
SHARD_ITERATOR_TYPE_AT_TIMESTAMP: ShardIteratorType
SHARD_ITERATOR_TYPE_TRIM_HORIZON: ShardIteratorType
SHARD_ITERATOR_TYPE_LATEST: ShardIteratorType
WATCH_REASON_UNSPECIFIED: WatchReason
WATCH_REASON_GROWN: WatchReason
WATCH_REASON_CLOSED: WatchReason
WATCH_REASON_DELETED: WatchReason
WATCH_REASON_TRIMMED: WatchReason
WATCH_REASON_APPEARED: WatchReason

class CreateStreamRequest(_message.Message):
    __slots__ = ("stream_name", "shard_count", "retention_period", "max_record_size_bytes", "request_id", "tags", "write_limits", "retention_bytes_per_shard", "read_limits")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    SHARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    RETENTION_PERIOD_FIELD_NUMBER: _ClassVar[int]
    MAX_RECORD_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    WRITE_LIMITS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_BYTES_PER_SHARD_FIELD_NUMBER: _ClassVar[int]
    READ_LIMITS_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    shard_count: int
    retention_period: _duration_pb2.Duration
    max_record_size_bytes: int
    request_id: str
    tags: _containers.ScalarMap[str, str]
    write_limits: _stream_pb2.WriteLimits
    retention_bytes_per_shard: int
    read_limits: _stream_pb2.ReadLimits
    def __init__(self, stream_name: _Optional[str] = ..., shard_count: _Optional[int] = ..., retention_period: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., max_record_size_bytes: _Optional[int] = ..., request_id: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., write_limits: _Optional[_Union[_stream_pb2.WriteLimits, _Mapping]] = ..., retention_bytes_per_shard: _Optional[int] = ..., read_limits: _Optional[_Union[_stream_pb2.ReadLimits, _Mapping]] = ...) -> None: ...

class CreateStreamResponse(_message.Message):
    __slots__ = ("stream",)
    STREAM_FIELD_NUMBER: _ClassVar[int]
    stream: _stream_pb2.Stream
    def __init__(self, stream: _Optional[_Union[_stream_pb2.Stream, _Mapping]] = ...) -> None: ...

class DescribeStreamRequest(_message.Message):
    __slots__ = ("stream_name",)
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    def __init__(self, stream_name: _Optional[str] = ...) -> None: ...

class DescribeStreamResponse(_message.Message):
    __slots__ = ("stream", "limits")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    stream: _stream_pb2.Stream
    limits: _stream_pb2.StreamLimits
    def __init__(self, stream: _Optional[_Union[_stream_pb2.Stream, _Mapping]] = ..., limits: _Optional[_Union[_stream_pb2.StreamLimits, _Mapping]] = ...) -> None: ...

class ListStreamsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStreamsResponse(_message.Message):
    __slots__ = ("streams", "next_page_token")
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[_stream_pb2.Stream]
    next_page_token: str
    def __init__(self, streams: _Optional[_Iterable[_Union[_stream_pb2.Stream, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateStreamRequest(_message.Message):
    __slots__ = ("stream", "update_mask", "request_id")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    stream: _stream_pb2.Stream
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    def __init__(self, stream: _Optional[_Union[_stream_pb2.Stream, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateStreamResponse(_message.Message):
    __slots__ = ("stream",)
    STREAM_FIELD_NUMBER: _ClassVar[int]
    stream: _stream_pb2.Stream
    def __init__(self, stream: _Optional[_Union[_stream_pb2.Stream, _Mapping]] = ...) -> None: ...

class DeleteStreamRequest(_message.Message):
    __slots__ = ("stream_name", "enforce_consumer_deletion")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    ENFORCE_CONSUMER_DELETION_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    enforce_consumer_deletion: bool
    def __init__(self, stream_name: _Optional[str] = ..., enforce_consumer_deletion: bool = ...) -> None: ...

class DeleteStreamResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShardFilter(_message.Message):
    __slots__ = ("type", "shard_id", "time")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    type: ShardFilterType
    shard_id: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, type: _Optional[_Union[ShardFilterType, str]] = ..., shard_id: _Optional[str] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListShardsRequest(_message.Message):
    __slots__ = ("stream_name", "page_size", "page_token", "shard_filter", "include_traffic")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SHARD_FILTER_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    page_size: int
    page_token: str
    shard_filter: ShardFilter
    include_traffic: bool
    def __init__(self, stream_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., shard_filter: _Optional[_Union[ShardFilter, _Mapping]] = ..., include_traffic: bool = ...) -> None: ...

class ListShardsResponse(_message.Message):
    __slots__ = ("shards", "next_page_token", "stream_id", "traffic")
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    shards: _containers.RepeatedCompositeFieldContainer[_stream_pb2.Shard]
    next_page_token: str
    stream_id: str
    traffic: _containers.RepeatedCompositeFieldContainer[_stream_pb2.ShardTraffic]
    def __init__(self, shards: _Optional[_Iterable[_Union[_stream_pb2.Shard, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., stream_id: _Optional[str] = ..., traffic: _Optional[_Iterable[_Union[_stream_pb2.ShardTraffic, _Mapping]]] = ...) -> None: ...

class SplitShardRequest(_message.Message):
    __slots__ = ("stream_name", "shard_id", "new_starting_hash_key", "validate_only")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_STARTING_HASH_KEY_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    shard_id: str
    new_starting_hash_key: str
    validate_only: bool
    def __init__(self, stream_name: _Optional[str] = ..., shard_id: _Optional[str] = ..., new_starting_hash_key: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class SplitShardResponse(_message.Message):
    __slots__ = ("shards", "traffic")
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    shards: _containers.RepeatedCompositeFieldContainer[_stream_pb2.Shard]
    traffic: _containers.RepeatedCompositeFieldContainer[_stream_pb2.ShardTraffic]
    def __init__(self, shards: _Optional[_Iterable[_Union[_stream_pb2.Shard, _Mapping]]] = ..., traffic: _Optional[_Iterable[_Union[_stream_pb2.ShardTraffic, _Mapping]]] = ...) -> None: ...

class MergeShardsRequest(_message.Message):
    __slots__ = ("stream_name", "shard_id", "adjacent_shard_id", "validate_only")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    ADJACENT_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    shard_id: str
    adjacent_shard_id: str
    validate_only: bool
    def __init__(self, stream_name: _Optional[str] = ..., shard_id: _Optional[str] = ..., adjacent_shard_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class MergeShardsResponse(_message.Message):
    __slots__ = ("shard", "traffic")
    SHARD_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    shard: _stream_pb2.Shard
    traffic: _containers.RepeatedCompositeFieldContainer[_stream_pb2.ShardTraffic]
    def __init__(self, shard: _Optional[_Union[_stream_pb2.Shard, _Mapping]] = ..., traffic: _Optional[_Iterable[_Union[_stream_pb2.ShardTraffic, _Mapping]]] = ...) -> None: ...

class UpdateShardCountRequest(_message.Message):
    __slots__ = ("stream_name", "target_shard_count", "validate_only")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_SHARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    target_shard_count: int
    validate_only: bool
    def __init__(self, stream_name: _Optional[str] = ..., target_shard_count: _Optional[int] = ..., validate_only: bool = ...) -> None: ...

class UpdateShardCountResponse(_message.Message):
    __slots__ = ("current_shard_count", "target_shard_count", "shards", "traffic")
    CURRENT_SHARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    TARGET_SHARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    current_shard_count: int
    target_shard_count: int
    shards: _containers.RepeatedCompositeFieldContainer[_stream_pb2.Shard]
    traffic: _containers.RepeatedCompositeFieldContainer[_stream_pb2.ShardTraffic]
    def __init__(self, current_shard_count: _Optional[int] = ..., target_shard_count: _Optional[int] = ..., shards: _Optional[_Iterable[_Union[_stream_pb2.Shard, _Mapping]]] = ..., traffic: _Optional[_Iterable[_Union[_stream_pb2.ShardTraffic, _Mapping]]] = ...) -> None: ...

class PutRecordsRequestEntry(_message.Message):
    __slots__ = ("data", "partition_key", "explicit_hash_key", "attributes", "producer_id", "producer_sequence")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DATA_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_HASH_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    partition_key: str
    explicit_hash_key: str
    attributes: _containers.ScalarMap[str, str]
    producer_id: bytes
    producer_sequence: int
    def __init__(self, data: _Optional[bytes] = ..., partition_key: _Optional[str] = ..., explicit_hash_key: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., producer_id: _Optional[bytes] = ..., producer_sequence: _Optional[int] = ...) -> None: ...

class PutRecordRequest(_message.Message):
    __slots__ = ("stream_name", "data", "partition_key", "explicit_hash_key", "sequence_number_for_ordering", "attributes", "producer_id", "producer_sequence")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_HASH_KEY_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FOR_ORDERING_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    data: bytes
    partition_key: str
    explicit_hash_key: str
    sequence_number_for_ordering: str
    attributes: _containers.ScalarMap[str, str]
    producer_id: bytes
    producer_sequence: int
    def __init__(self, stream_name: _Optional[str] = ..., data: _Optional[bytes] = ..., partition_key: _Optional[str] = ..., explicit_hash_key: _Optional[str] = ..., sequence_number_for_ordering: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., producer_id: _Optional[bytes] = ..., producer_sequence: _Optional[int] = ...) -> None: ...

class PutRecordResponse(_message.Message):
    __slots__ = ("shard_id", "sequence_number")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    shard_id: str
    sequence_number: str
    def __init__(self, shard_id: _Optional[str] = ..., sequence_number: _Optional[str] = ...) -> None: ...

class PutRecordsRequest(_message.Message):
    __slots__ = ("stream_name", "records", "all_or_none")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    ALL_OR_NONE_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    records: _containers.RepeatedCompositeFieldContainer[PutRecordsRequestEntry]
    all_or_none: bool
    def __init__(self, stream_name: _Optional[str] = ..., records: _Optional[_Iterable[_Union[PutRecordsRequestEntry, _Mapping]]] = ..., all_or_none: bool = ...) -> None: ...

class PutRecordsResultEntry(_message.Message):
    __slots__ = ("shard_id", "sequence_number", "reason", "message", "retry_delay_millis")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_MILLIS_FIELD_NUMBER: _ClassVar[int]
    shard_id: str
    sequence_number: str
    reason: str
    message: str
    retry_delay_millis: int
    def __init__(self, shard_id: _Optional[str] = ..., sequence_number: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., retry_delay_millis: _Optional[int] = ...) -> None: ...

class PutRecordsResponse(_message.Message):
    __slots__ = ("results", "failed_record_count")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    FAILED_RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PutRecordsResultEntry]
    failed_record_count: int
    def __init__(self, results: _Optional[_Iterable[_Union[PutRecordsResultEntry, _Mapping]]] = ..., failed_record_count: _Optional[int] = ...) -> None: ...

class GetShardIteratorRequest(_message.Message):
    __slots__ = ("stream_name", "shard_id", "type", "starting_sequence_number", "time")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STARTING_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    shard_id: str
    type: ShardIteratorType
    starting_sequence_number: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, stream_name: _Optional[str] = ..., shard_id: _Optional[str] = ..., type: _Optional[_Union[ShardIteratorType, str]] = ..., starting_sequence_number: _Optional[str] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetShardIteratorResponse(_message.Message):
    __slots__ = ("shard_iterator", "position")
    SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    shard_iterator: str
    position: str
    def __init__(self, shard_iterator: _Optional[str] = ..., position: _Optional[str] = ...) -> None: ...

class ShardPosition(_message.Message):
    __slots__ = ("stream_name", "stream_id", "shard_id", "after_sequence_number")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    stream_id: str
    shard_id: str
    after_sequence_number: str
    def __init__(self, stream_name: _Optional[str] = ..., stream_id: _Optional[str] = ..., shard_id: _Optional[str] = ..., after_sequence_number: _Optional[str] = ...) -> None: ...

class GetRecordsRequest(_message.Message):
    __slots__ = ("shard_iterator", "position", "limit", "max_bytes", "max_wait", "include_index", "until_sequence_number")
    SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_INDEX_FIELD_NUMBER: _ClassVar[int]
    UNTIL_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    shard_iterator: str
    position: ShardPosition
    limit: int
    max_bytes: int
    max_wait: _duration_pb2.Duration
    include_index: bool
    until_sequence_number: str
    def __init__(self, shard_iterator: _Optional[str] = ..., position: _Optional[_Union[ShardPosition, _Mapping]] = ..., limit: _Optional[int] = ..., max_bytes: _Optional[int] = ..., max_wait: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., include_index: bool = ..., until_sequence_number: _Optional[str] = ...) -> None: ...

class MissedRecords(_message.Message):
    __slots__ = ("after_sequence_number", "until_sequence_number", "record_count")
    AFTER_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    UNTIL_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    after_sequence_number: str
    until_sequence_number: str
    record_count: int
    def __init__(self, after_sequence_number: _Optional[str] = ..., until_sequence_number: _Optional[str] = ..., record_count: _Optional[int] = ...) -> None: ...

class RecordIndex(_message.Message):
    __slots__ = ("end_offsets", "numbers", "sizes")
    END_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    end_offsets: bytes
    numbers: bytes
    sizes: bytes
    def __init__(self, end_offsets: _Optional[bytes] = ..., numbers: _Optional[bytes] = ..., sizes: _Optional[bytes] = ...) -> None: ...

class GetRecordsResponse(_message.Message):
    __slots__ = ("records", "next_shard_iterator", "next_position", "millis_behind_latest", "child_shards", "service_time", "missed_records", "index", "end_of_shard", "tail_bytes")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    NEXT_POSITION_FIELD_NUMBER: _ClassVar[int]
    MILLIS_BEHIND_LATEST_FIELD_NUMBER: _ClassVar[int]
    CHILD_SHARDS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_FIELD_NUMBER: _ClassVar[int]
    MISSED_RECORDS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    END_OF_SHARD_FIELD_NUMBER: _ClassVar[int]
    TAIL_BYTES_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    next_shard_iterator: str
    next_position: str
    millis_behind_latest: int
    child_shards: _containers.RepeatedCompositeFieldContainer[_stream_pb2.ChildShard]
    service_time: _timestamp_pb2.Timestamp
    missed_records: MissedRecords
    index: RecordIndex
    end_of_shard: bool
    tail_bytes: int
    def __init__(self, records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ..., next_shard_iterator: _Optional[str] = ..., next_position: _Optional[str] = ..., millis_behind_latest: _Optional[int] = ..., child_shards: _Optional[_Iterable[_Union[_stream_pb2.ChildShard, _Mapping]]] = ..., service_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., missed_records: _Optional[_Union[MissedRecords, _Mapping]] = ..., index: _Optional[_Union[RecordIndex, _Mapping]] = ..., end_of_shard: bool = ..., tail_bytes: _Optional[int] = ...) -> None: ...

class WatchAppendsRequest(_message.Message):
    __slots__ = ("entries", "disarm_ids")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    DISARM_IDS_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[WatchEntry]
    disarm_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, entries: _Optional[_Iterable[_Union[WatchEntry, _Mapping]]] = ..., disarm_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class WatchEntry(_message.Message):
    __slots__ = ("id", "position", "inline_bytes_max")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    INLINE_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    id: int
    position: ShardPosition
    inline_bytes_max: int
    def __init__(self, id: _Optional[int] = ..., position: _Optional[_Union[ShardPosition, _Mapping]] = ..., inline_bytes_max: _Optional[int] = ...) -> None: ...

class WatchEvent(_message.Message):
    __slots__ = ("id", "reason", "head_sequence_number", "records_response")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    RECORDS_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    id: int
    reason: WatchReason
    head_sequence_number: str
    records_response: bytes
    def __init__(self, id: _Optional[int] = ..., reason: _Optional[_Union[WatchReason, str]] = ..., head_sequence_number: _Optional[str] = ..., records_response: _Optional[bytes] = ...) -> None: ...

class WatchAppendsResponse(_message.Message):
    __slots__ = ("events", "service_time")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[WatchEvent]
    service_time: _timestamp_pb2.Timestamp
    def __init__(self, events: _Optional[_Iterable[_Union[WatchEvent, _Mapping]]] = ..., service_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PeekRecordsRequest(_message.Message):
    __slots__ = ("stream_name", "shard_id", "limit", "from_sequence_number", "from_time")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    shard_id: str
    limit: int
    from_sequence_number: str
    from_time: _timestamp_pb2.Timestamp
    def __init__(self, stream_name: _Optional[str] = ..., shard_id: _Optional[str] = ..., limit: _Optional[int] = ..., from_sequence_number: _Optional[str] = ..., from_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PeekRecordsResponse(_message.Message):
    __slots__ = ("records",)
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    def __init__(self, records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ...) -> None: ...

class RegisterStreamConsumerRequest(_message.Message):
    __slots__ = ("stream_name", "consumer_name", "request_id")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    consumer_name: str
    request_id: str
    def __init__(self, stream_name: _Optional[str] = ..., consumer_name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RegisterStreamConsumerResponse(_message.Message):
    __slots__ = ("consumer",)
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    consumer: _stream_pb2.StreamConsumer
    def __init__(self, consumer: _Optional[_Union[_stream_pb2.StreamConsumer, _Mapping]] = ...) -> None: ...

class DescribeStreamConsumerRequest(_message.Message):
    __slots__ = ("stream_name", "consumer_name")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_NAME_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    consumer_name: str
    def __init__(self, stream_name: _Optional[str] = ..., consumer_name: _Optional[str] = ...) -> None: ...

class DescribeStreamConsumerResponse(_message.Message):
    __slots__ = ("consumer",)
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    consumer: _stream_pb2.StreamConsumer
    def __init__(self, consumer: _Optional[_Union[_stream_pb2.StreamConsumer, _Mapping]] = ...) -> None: ...

class ListStreamConsumersRequest(_message.Message):
    __slots__ = ("stream_name", "page_size", "page_token")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    page_size: int
    page_token: str
    def __init__(self, stream_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStreamConsumersResponse(_message.Message):
    __slots__ = ("consumers", "next_page_token")
    CONSUMERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consumers: _containers.RepeatedCompositeFieldContainer[_stream_pb2.StreamConsumer]
    next_page_token: str
    def __init__(self, consumers: _Optional[_Iterable[_Union[_stream_pb2.StreamConsumer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeregisterStreamConsumerRequest(_message.Message):
    __slots__ = ("stream_name", "consumer_name")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_NAME_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    consumer_name: str
    def __init__(self, stream_name: _Optional[str] = ..., consumer_name: _Optional[str] = ...) -> None: ...

class DeregisterStreamConsumerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SubscribeToShardRequest(_message.Message):
    __slots__ = ("stream_name", "consumer_name", "shard_id", "starting_position", "starting_sequence_number", "time")
    STREAM_NAME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_NAME_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    STARTING_POSITION_FIELD_NUMBER: _ClassVar[int]
    STARTING_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    stream_name: str
    consumer_name: str
    shard_id: str
    starting_position: ShardIteratorType
    starting_sequence_number: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, stream_name: _Optional[str] = ..., consumer_name: _Optional[str] = ..., shard_id: _Optional[str] = ..., starting_position: _Optional[_Union[ShardIteratorType, str]] = ..., starting_sequence_number: _Optional[str] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SubscribeToShardResponse(_message.Message):
    __slots__ = ("records", "continuation_sequence_number", "millis_behind_latest", "child_shards", "service_time", "missed_records")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    CONTINUATION_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MILLIS_BEHIND_LATEST_FIELD_NUMBER: _ClassVar[int]
    CHILD_SHARDS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIME_FIELD_NUMBER: _ClassVar[int]
    MISSED_RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    continuation_sequence_number: str
    millis_behind_latest: int
    child_shards: _containers.RepeatedCompositeFieldContainer[_stream_pb2.ChildShard]
    service_time: _timestamp_pb2.Timestamp
    missed_records: MissedRecords
    def __init__(self, records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ..., continuation_sequence_number: _Optional[str] = ..., millis_behind_latest: _Optional[int] = ..., child_shards: _Optional[_Iterable[_Union[_stream_pb2.ChildShard, _Mapping]]] = ..., service_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., missed_records: _Optional[_Union[MissedRecords, _Mapping]] = ...) -> None: ...
