from google.protobuf import duration_pb2 as _duration_pb2
from millrace.handler.v1 import handler_service_pb2 as _handler_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WorkRequest(_message.Message):
    __slots__ = ("hello", "result", "draining", "extension")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    EXTENSION_FIELD_NUMBER: _ClassVar[int]
    hello: WorkerHello
    result: WorkerResult
    draining: WorkerDraining
    extension: WorkerExtension
    def __init__(self, hello: _Optional[_Union[WorkerHello, _Mapping]] = ..., result: _Optional[_Union[WorkerResult, _Mapping]] = ..., draining: _Optional[_Union[WorkerDraining, _Mapping]] = ..., extension: _Optional[_Union[WorkerExtension, _Mapping]] = ...) -> None: ...

class WorkerHello(_message.Message):
    __slots__ = ("handler_name", "contract_version", "capabilities", "concurrent_batches_max", "message_bytes_max")
    HANDLER_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CONCURRENT_BATCHES_MAX_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    handler_name: str
    contract_version: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    concurrent_batches_max: int
    message_bytes_max: int
    def __init__(self, handler_name: _Optional[str] = ..., contract_version: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., concurrent_batches_max: _Optional[int] = ..., message_bytes_max: _Optional[int] = ...) -> None: ...

class WorkerResult(_message.Message):
    __slots__ = ("invocation_id", "response")
    INVOCATION_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    invocation_id: str
    response: _handler_service_pb2.InvokeResponse
    def __init__(self, invocation_id: _Optional[str] = ..., response: _Optional[_Union[_handler_service_pb2.InvokeResponse, _Mapping]] = ...) -> None: ...

class WorkerDraining(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WorkerExtension(_message.Message):
    __slots__ = ("invocation_id", "extension")
    INVOCATION_ID_FIELD_NUMBER: _ClassVar[int]
    EXTENSION_FIELD_NUMBER: _ClassVar[int]
    invocation_id: str
    extension: _duration_pb2.Duration
    def __init__(self, invocation_id: _Optional[str] = ..., extension: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WorkResponse(_message.Message):
    __slots__ = ("invoke", "cancel", "addresses", "drain")
    INVOKE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    invoke: _handler_service_pb2.InvokeRequest
    cancel: WorkCancel
    addresses: WorkAddresses
    drain: WorkDrain
    def __init__(self, invoke: _Optional[_Union[_handler_service_pb2.InvokeRequest, _Mapping]] = ..., cancel: _Optional[_Union[WorkCancel, _Mapping]] = ..., addresses: _Optional[_Union[WorkAddresses, _Mapping]] = ..., drain: _Optional[_Union[WorkDrain, _Mapping]] = ...) -> None: ...

class WorkCancel(_message.Message):
    __slots__ = ("invocation_id",)
    INVOCATION_ID_FIELD_NUMBER: _ClassVar[int]
    invocation_id: str
    def __init__(self, invocation_id: _Optional[str] = ...) -> None: ...

class WorkAddresses(_message.Message):
    __slots__ = ("addresses",)
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    addresses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, addresses: _Optional[_Iterable[str]] = ...) -> None: ...

class WorkDrain(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
