"""Use cases of registered consumers, in core types."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import Violations
from stream_service.core import errors, limits, works
from stream_service.core.ports import Records
from stream_service.core.stream import Consumer, Stream
from stream_service.page_tokens import PageTokens

PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_CAP = 100


class ConsumerService:
    """Consumers of streams."""

    def __init__(self, records: Records, tokens: PageTokens) -> None:
        self._records = records
        self._tokens = tokens

    async def register(self, stream_name: str, consumer_name: str, request_id: str) -> Consumer:
        """Register a consumer.

        Raises InvalidArgument, StreamNotFound, ConsumerAlreadyExists, LimitExceeded, RequestIdReused.
        """
        problems = Violations()
        limits.check_name(problems, "stream_name", stream_name)
        limits.check_name(problems, "consumer_name", consumer_name)
        limits.check_uuid(problems, "request_id", request_id)
        problems.raise_if_any()
        done = await self._records.write(works.Register(stream_name, consumer_name, request_id))
        assert isinstance(done, works.Registered)
        return done.consumer

    async def find(self, stream_name: str, consumer_name: str) -> tuple[Stream, Consumer]:
        """A stream and one of its consumers. Raises InvalidArgument, StreamNotFound, ConsumerNotFound."""
        _check_names(stream_name, consumer_name)
        stream, consumers = await self._records.consumers(stream_name)
        for each in consumers:
            if each.name == consumer_name:
                return stream, each
        raise errors.ConsumerNotFound(stream_name, consumer_name)

    async def list(self, stream_name: str, page_size: int, page_token: str) -> tuple[Sequence[Consumer], str]:
        """A page of consumers by name, and the token of the next.

        Raises InvalidArgument, InvalidPageToken, StreamNotFound.
        """
        problems = Violations()
        limits.check_name(problems, "stream_name", stream_name)
        limits.check_range(problems, "page_size", page_size, (0, limits.PAGE_SIZE_MAX))
        problems.raise_if_any()
        size = min(page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_CAP)
        stream, consumers = await self._records.consumers(stream_name)
        scope = f"consumers of {stream.stream_id}"
        start = self._tokens.start(scope, page_token)
        left = [each for each in consumers if each.name > start]
        return left[:size], self._tokens.make(scope, left[size - 1].name) if len(left) > size else ""

    async def deregister(self, stream_name: str, consumer_name: str) -> None:
        """Remove a consumer. Raises InvalidArgument, StreamNotFound, ConsumerNotFound."""
        _check_names(stream_name, consumer_name)
        await self._records.write(works.Deregister(stream_name, consumer_name))


def _check_names(stream_name: str, consumer_name: str) -> None:
    problems = Violations()
    limits.check_name(problems, "stream_name", stream_name)
    limits.check_name(problems, "consumer_name", consumer_name)
    problems.raise_if_any()
