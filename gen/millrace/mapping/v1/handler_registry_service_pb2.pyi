from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from millrace.handler.v1 import handler_service_pb2 as _handler_service_pb2
from millrace.stream.v1 import record_pb2 as _record_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Handler(_message.Message):
    __slots__ = ("handler_name", "endpoint", "timeout", "maximum_concurrency", "role_name", "tls", "create_time", "etag")
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    ROLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    handler_name: str
    endpoint: str
    timeout: _duration_pb2.Duration
    maximum_concurrency: int
    role_name: str
    tls: HandlerTls
    create_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, handler_name: _Optional[str] = ..., endpoint: _Optional[str] = ..., timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., maximum_concurrency: _Optional[int] = ..., role_name: _Optional[str] = ..., tls: _Optional[_Union[HandlerTls, _Mapping]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class HandlerTls(_message.Message):
    __slots__ = ("root_certificates",)
    ROOT_CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    root_certificates: str
    def __init__(self, root_certificates: _Optional[str] = ...) -> None: ...

class RegisterHandlerRequest(_message.Message):
    __slots__ = ("handler", "request_id")
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    handler: Handler
    request_id: str
    def __init__(self, handler: _Optional[_Union[Handler, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RegisterHandlerResponse(_message.Message):
    __slots__ = ("handler",)
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    handler: Handler
    def __init__(self, handler: _Optional[_Union[Handler, _Mapping]] = ...) -> None: ...

class GetHandlerRequest(_message.Message):
    __slots__ = ("handler_name",)
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    handler_name: str
    def __init__(self, handler_name: _Optional[str] = ...) -> None: ...

class GetHandlerResponse(_message.Message):
    __slots__ = ("handler",)
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    handler: Handler
    def __init__(self, handler: _Optional[_Union[Handler, _Mapping]] = ...) -> None: ...

class ListHandlersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListHandlersResponse(_message.Message):
    __slots__ = ("handlers", "next_page_token")
    HANDLERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    handlers: _containers.RepeatedCompositeFieldContainer[Handler]
    next_page_token: str
    def __init__(self, handlers: _Optional[_Iterable[_Union[Handler, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateHandlerRequest(_message.Message):
    __slots__ = ("handler", "update_mask")
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    handler: Handler
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, handler: _Optional[_Union[Handler, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateHandlerResponse(_message.Message):
    __slots__ = ("handler",)
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    handler: Handler
    def __init__(self, handler: _Optional[_Union[Handler, _Mapping]] = ...) -> None: ...

class DeregisterHandlerRequest(_message.Message):
    __slots__ = ("handler_name",)
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    handler_name: str
    def __init__(self, handler_name: _Optional[str] = ...) -> None: ...

class DeregisterHandlerResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InvokeHandlerRequest(_message.Message):
    __slots__ = ("handler_name", "records")
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    handler_name: str
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    def __init__(self, handler_name: _Optional[str] = ..., records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ...) -> None: ...

class InvokeHandlerResponse(_message.Message):
    __slots__ = ("response", "status_code", "status_message", "duration")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    response: _handler_service_pb2.InvokeResponse
    status_code: str
    status_message: str
    duration: _duration_pb2.Duration
    def __init__(self, response: _Optional[_Union[_handler_service_pb2.InvokeResponse, _Mapping]] = ..., status_code: _Optional[str] = ..., status_message: _Optional[str] = ..., duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...
