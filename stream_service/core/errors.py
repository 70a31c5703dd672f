"""The ways this service says no."""

from __future__ import annotations

from datetime import timedelta

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
            resource=("shard", shard_id),
        )


class PositionAhead(InvalidArgument):
    """The position lies after the shard's newest record."""

    def __init__(self, position: str, newest: str) -> None:
        super().__init__(
            FieldViolation(
                "position.after_sequence_number", f"{position} lies after the shard's newest number {newest}"
            )
        )


class LimitExceeded(DomainError):
    """A limit on the number of things is reached."""

    reason = "LIMIT_EXCEEDED"
    code = "RESOURCE_EXHAUSTED"

    def __init__(self, what: str, maximum: int) -> None:
        super().__init__(f"at most {maximum} {what} are allowed", metadata={"limit": what, "maximum": str(maximum)})


class EtagMismatch(DomainError):
    """The etag is not the current one: somebody else changed the resource. Read it again."""

    reason = "ETAG_MISMATCH"
    code = "ABORTED"

    def __init__(self, stream_name: str, etag: str) -> None:
        super().__init__(
            f"stream {stream_name!r} has another etag than {etag[:60]!r} by now; describe it and try again",
            metadata={"etag": etag[:60]},
            resource=("stream", stream_name),
        )


class WriteLimitExceeded(DomainError):
    """The shard's write limit is reached; wait and send the record again."""

    reason = "WRITE_LIMIT_EXCEEDED"
    code = "RESOURCE_EXHAUSTED"

    def __init__(self, shard_id: str, seconds: float) -> None:
        super().__init__(
            f"the write limit of {shard_id} is reached; wait {seconds:.3f} s, or raise the stream's write_limits",
            metadata={"shard_id": shard_id},
            retry_after=_at_least_a_milli(seconds),
        )


class ReadLimitExceeded(DomainError):
    """The shard's read limit is reached; wait and read again."""

    reason = "READ_LIMIT_EXCEEDED"
    code = "RESOURCE_EXHAUSTED"

    def __init__(self, shard_id: str, seconds: float) -> None:
        super().__init__(
            f"the read limit of {shard_id} is reached; wait {seconds:.3f} s, or raise the stream's read_limits",
            metadata={"shard_id": shard_id},
            retry_after=_at_least_a_milli(seconds),
        )


class ProducerSequenceReused(DomainError):
    """The producer gave this number to another record before."""

    reason = "PRODUCER_SEQUENCE_REUSED"
    code = "ALREADY_EXISTS"

    def __init__(self, producer_sequence: int) -> None:
        super().__init__(
            f"producer_sequence {producer_sequence} was used for another key or other data; take a higher one",
            metadata={"producer_sequence": str(producer_sequence)},
        )


class PrecedingRecordRefused(DomainError):
    """An earlier record of this key in the request was refused, so that this one waits for it."""

    reason = "PRECEDING_RECORD_REFUSED"
    code = "ABORTED"

    def __init__(self) -> None:
        super().__init__("an earlier record of this partition key was refused; send both again, in their order")


class OtherRecordRefused(DomainError):
    """Another record of an all_or_none request was refused, so that none is stored."""

    reason = "OTHER_RECORD_REFUSED"
    code = "ABORTED"

    def __init__(self) -> None:
        super().__init__("another record of the request was refused, and all_or_none was set: none is stored")


class ConsumerNotFound(DomainError):
    """The stream has no consumer of that name."""

    reason = "CONSUMER_NOT_FOUND"
    code = "NOT_FOUND"

    def __init__(self, stream_name: str, consumer_name: str) -> None:
        super().__init__(
            f"stream {stream_name!r} has no consumer {consumer_name!r}",
            metadata={"stream_name": stream_name, "consumer_name": consumer_name},
            resource=("consumer", consumer_name),
        )


class ConsumerAlreadyExists(DomainError):
    """The stream has a consumer of that name."""

    reason = "CONSUMER_ALREADY_EXISTS"
    code = "ALREADY_EXISTS"

    def __init__(self, stream_name: str, consumer_name: str) -> None:
        super().__init__(
            f"stream {stream_name!r} has a consumer {consumer_name!r} already",
            metadata={"stream_name": stream_name, "consumer_name": consumer_name},
            resource=("consumer", consumer_name),
        )


class StreamHasConsumers(DomainError):
    """The stream has registered consumers; deregister them or set enforce_consumer_deletion."""

    reason = "STREAM_HAS_CONSUMERS"
    code = "FAILED_PRECONDITION"

    def __init__(self, stream_name: str, count: int) -> None:
        super().__init__(
            f"stream {stream_name!r} has {count} registered consumers; deregister them or set "
            "enforce_consumer_deletion",
            metadata={"stream_name": stream_name, "consumer_count": str(count)},
            resource=("stream", stream_name),
        )


class SubscriptionInUse(DomainError):
    """The consumer subscribed to this shard a moment ago; wait and subscribe again."""

    reason = "SUBSCRIPTION_IN_USE"
    code = "FAILED_PRECONDITION"

    def __init__(self, consumer_name: str, shard_id: str, seconds: float) -> None:
        super().__init__(
            f"consumer {consumer_name!r} subscribed to {shard_id} a moment ago; a new subscription takes over "
            f"in {seconds:.1f} s",
            metadata={"consumer_name": consumer_name, "shard_id": shard_id},
            retry_after=_at_least_a_milli(seconds),
        )


class SubscriptionTakenOver(DomainError):
    """A newer subscription of the same consumer to this shard took over."""

    reason = "SUBSCRIPTION_TAKEN_OVER"
    code = "ABORTED"

    def __init__(self, consumer_name: str, shard_id: str) -> None:
        super().__init__(
            f"a newer subscription of consumer {consumer_name!r} to {shard_id} took over",
            metadata={"consumer_name": consumer_name, "shard_id": shard_id},
        )


def _at_least_a_milli(seconds: float) -> timedelta:
    return timedelta(milliseconds=max(1, -(-int(seconds * 1_000_000) // 1000)))
