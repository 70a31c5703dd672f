"""The ways this service says no."""

from __future__ import annotations

from chassis.errors import DataLoss, DomainError, FieldViolation, InvalidArgument


class StreamNotFound(DomainError):
    """No stream of that name exists."""

    reason = "STREAM_NOT_FOUND"
    code = "NOT_FOUND"

    def __init__(self, stream_name: str) -> None:
        super().__init__(
            f"stream {stream_name!r} not found", metadata={"stream_name": stream_name}, resource=("stream", stream_name)
        )


class StreamAlreadyExists(DomainError):
    """A stream of that name exists."""

    reason = "STREAM_ALREADY_EXISTS"
    code = "ALREADY_EXISTS"

    def __init__(self, stream_name: str) -> None:
        super().__init__(
            f"stream {stream_name!r} exists already",
            metadata={"stream_name": stream_name},
            resource=("stream", stream_name),
        )


class ShardNotFound(DomainError):
    """The stream has no such shard."""

    reason = "SHARD_NOT_FOUND"
    code = "NOT_FOUND"

    def __init__(self, stream_name: str, shard_id: str) -> None:
        super().__init__(
            f"stream {stream_name!r} has no shard {shard_id!r}",
            metadata={"stream_name": stream_name, "shard_id": shard_id},
            resource=("shard", shard_id),
        )


class InvalidShardIterator(DomainError):
    """The shard iterator is not one of this service; make one with GetShardIterator."""

    reason = "INVALID_SHARD_ITERATOR"
    code = "INVALID_ARGUMENT"

    def __init__(self) -> None:
        super().__init__(violations=(FieldViolation("shard_iterator", "must be one that GetShardIterator made"),))


class ShardIteratorExpired(DomainError):
    """The shard iterator is too old; make a new one after the last sequence number."""

    reason = "SHARD_ITERATOR_EXPIRED"
    code = "FAILED_PRECONDITION"

    def __init__(self, age_seconds: int, age_seconds_max: int) -> None:
        super().__init__(
            f"the shard iterator is {age_seconds} s old; at most {age_seconds_max} s are allowed; "
            "make a new one after the last sequence number",
            metadata={"age_seconds": str(age_seconds)},
        )


class InvalidPageToken(DomainError):
    """The page token is not one of this request, or older than 300 seconds; start again without one."""

    reason = "INVALID_PAGE_TOKEN"
    code = "INVALID_ARGUMENT"

    def __init__(self) -> None:
        super().__init__(violations=(FieldViolation("page_token", "must be the last answer's, or empty"),))


class RequestIdReused(DomainError):
    """The request id was used for another request."""

    reason = "REQUEST_ID_REUSED"
    code = "ALREADY_EXISTS"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request id {request_id} was used for another request; take a new one", metadata={"request_id": request_id}
        )


class RecordTooLarge(DomainError):
    """The record is larger than the stream takes."""

    reason = "RECORD_TOO_LARGE"
    code = "INVALID_ARGUMENT"

    def __init__(self, size_bytes: int, size_bytes_max: int) -> None:
        super().__init__(
            f"the record has {size_bytes} bytes of key and data; at most {size_bytes_max} are allowed",
            metadata={"size_bytes": str(size_bytes), "size_bytes_max": str(size_bytes_max)},
            violations=(FieldViolation("data", f"key and data must have at most {size_bytes_max} bytes together"),),
        )


class RecordsDamaged(DataLoss):
    """Stored records are damaged or missing."""

    def __init__(self, stream_name: str, shard_id: str, after_sequence_number: str) -> None:
        super().__init__(
            f"the records of {shard_id} of stream {stream_name!r} after {after_sequence_number} are damaged or missing",
            metadata={
                "stream_name": stream_name,
                "shard_id": shard_id,
                "after_sequence_number": after_sequence_number,
            },
        )


class PositionAhead(InvalidArgument):
    """The position lies after the shard's newest record."""

    def __init__(self, position: str, newest: str) -> None:
        super().__init__(
            FieldViolation(
                "position.after_sequence_number", f"{position} lies after the shard's newest number {newest}"
            )
        )
