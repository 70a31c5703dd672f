"""The ways in which the mapping service says no."""

from typing import ClassVar

from chassis.errors import RETRY_SOON, DomainError, FieldViolation


class MappingNotFound(DomainError):
    """No event source mapping has that id."""

    reason: ClassVar[str] = "MAPPING_NOT_FOUND"
    code: ClassVar[str] = "NOT_FOUND"

    def __init__(self, mapping_id: str) -> None:
        super().__init__(
            f"no event source mapping has the id {mapping_id}",
            metadata={"mapping_id": mapping_id},
            resource=("mapping", mapping_id),
        )


class MappingAlreadyExists(DomainError):
    """The event source is mapped to that handler already."""

    reason: ClassVar[str] = "MAPPING_ALREADY_EXISTS"
    code: ClassVar[str] = "ALREADY_EXISTS"

    def __init__(self, *, mapping_id: str, event_source: str, handler_name: str) -> None:
        super().__init__(
            f"{event_source} is mapped to the handler {handler_name} already; update or delete mapping {mapping_id}",
            metadata={"mapping_id": mapping_id, "event_source": event_source, "handler_name": handler_name},
            resource=("mapping", mapping_id),
        )


class MappingInUse(DomainError):
    """The mapping is in a transition; try again when its state is ENABLED or DISABLED."""

    reason: ClassVar[str] = "MAPPING_IN_USE"
    code: ClassVar[str] = "FAILED_PRECONDITION"

    def __init__(self, *, mapping_id: str, state: str) -> None:
        super().__init__(
            f"mapping {mapping_id} is {state}; it can be changed when it is ENABLED or DISABLED",
            metadata={"mapping_id": mapping_id, "state": state},
            resource=("mapping", mapping_id),
        )


class EtagMismatch(DomainError):
    """Somebody else changed the resource."""

    reason: ClassVar[str] = "ETAG_MISMATCH"
    code: ClassVar[str] = "ABORTED"

    def __init__(self, etag: str) -> None:
        super().__init__("the etag is not the current one; read the resource again", metadata={"etag": etag})


class HandlerNotFound(DomainError):
    """No handler of that name is registered."""

    reason: ClassVar[str] = "HANDLER_NOT_FOUND"
    code: ClassVar[str] = "NOT_FOUND"

    def __init__(self, handler_name: str) -> None:
        super().__init__(
            f"no handler is registered as {handler_name}",
            metadata={"handler_name": handler_name},
            resource=("handler", handler_name),
        )


class MappedHandlerNotFound(DomainError):
    """The mapping names a handler that is not registered."""

    reason: ClassVar[str] = "HANDLER_NOT_FOUND"
    code: ClassVar[str] = "INVALID_ARGUMENT"

    def __init__(self, handler_name: str) -> None:
        text = f"no handler is registered as {handler_name}"
        super().__init__(
            text,
            metadata={"handler_name": handler_name},
            violations=(FieldViolation("mapping.handler_name", text),),
            resource=("handler", handler_name),
        )


class HandlerAlreadyExists(DomainError):
    """A handler of that name is registered."""

    reason: ClassVar[str] = "HANDLER_ALREADY_EXISTS"
    code: ClassVar[str] = "ALREADY_EXISTS"

    def __init__(self, handler_name: str) -> None:
        super().__init__(
            f"a handler is registered as {handler_name} already",
            metadata={"handler_name": handler_name},
            resource=("handler", handler_name),
        )


class RequestIdReused(DomainError):
    """The request id was used for another request."""

    reason: ClassVar[str] = "REQUEST_ID_REUSED"
    code: ClassVar[str] = "ALREADY_EXISTS"

    def __init__(self, request_id: str) -> None:
        super().__init__("the request id was used for another request", metadata={"request_id": request_id})


class StreamNotFound(DomainError):
    """No stream of that name exists, or not in that incarnation."""

    reason: ClassVar[str] = "STREAM_NOT_FOUND"
    code: ClassVar[str] = "NOT_FOUND"

    def __init__(self, stream_name: str) -> None:
        super().__init__(
            f"stream {stream_name} not found",
            metadata={"stream_name": stream_name},
            resource=("stream", stream_name),
        )


class StreamServiceUnavailable(DomainError):
    """The mapping service cannot reach the stream service, and needs it for this."""

    reason: ClassVar[str] = "STREAM_SERVICE_UNAVAILABLE"
    code: ClassVar[str] = "UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__(retry_after=RETRY_SOON)


class DeadLetterNotFound(DomainError):
    """No dead letter has that id. Never reaches the wire before its RPCs are built."""

    reason: ClassVar[str] = "INTERNAL"
    code: ClassVar[str] = "NOT_FOUND"


class LeaseLost(DomainError):
    """The lease has another owner or epoch, or is gone. Stays between the lease table and the poller (rule K1)."""

    reason: ClassVar[str] = "INTERNAL"
    code: ClassVar[str] = "ABORTED"


class StartAlreadyResolved(DomainError):
    """Somebody else resolved the mapping's start for another incarnation meanwhile. Stays inside (rule K2)."""

    reason: ClassVar[str] = "INTERNAL"
    code: ClassVar[str] = "ABORTED"
