"""The way into one shard: records in order, one call in flight.

Because a lane has one call in flight and what must be sent again goes back to its front, a record never overtakes an
earlier one of its lane. A key is in one lane at a time, so the order of each key is kept. While a call is in flight
the next one gathers; there is no timer.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import grpc
from millrace.stream.v1 import stream_service_pb2

from millrace_sdk import limits, refusal
from millrace_sdk.producer_settings import ProducerSettings
from millrace_sdk.put import Put, PutResult
from millrace_sdk.refusal import PutFailed, Refusal


class Puts(Protocol):
    """The call that a lane makes."""

    async def put_records(self, request: stream_service_pb2.PutRecordsRequest) -> stream_service_pb2.PutRecordsResponse:
        """Raises grpc.aio.AioRpcError."""


class Lane:
    """Sends the puts of one shard. `on_moved` hears when an answer names another shard than ours."""

    def __init__(
        self,
        stream_name: str,
        shard_id: str,
        *,
        client: Puts,
        settings: ProducerSettings,
        release: Callable[[int, int], None],
        on_moved: Callable[[], None],
    ) -> None:
        self.shard_id = shard_id
        self._stream_name = stream_name
        self._client = client
        self._settings = settings
        self._release = release
        self._on_moved = on_moved
        self._queue: deque[Put] = deque()
        self._queued_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._linger_seconds = settings.linger_seconds
        self._is_full = asyncio.Event()
        self._is_stopping = False
        self._failures = 0
        self._last_refusal: Refusal | None = None
        self._singly = 0
        # Numbers of one lane rise as they are sent, which lets the service tell new ones without a look.
        self._producer_id = os.urandom(limits.PRODUCER_ID_BYTES) if settings.is_idempotent else b""
        self._numbered = 0

    @property
    def is_idle(self) -> bool:
        """Nothing is queued or in flight."""
        return self._task is None

    def add(self, put: Put) -> None:
        """Send it after those before it."""
        self._queue.append(put)
        self._queued_bytes += put.size_bytes
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif self._linger_seconds and self._fills_a_call():
            self._is_full.set()

    def hurry(self) -> None:
        """Linger no longer, now and later."""
        self._linger_seconds = 0.0
        self._is_full.set()

    async def stop(self) -> list[Put]:
        """Finish the call in flight, send no more; what is left, in order."""
        self._is_stopping = True
        self.hurry()
        if self._task is not None:
            await asyncio.wait([self._task])
        left = list(self._queue)
        self._queue.clear()
        return left

    async def _run(self) -> None:
        try:
            if self._linger_seconds:
                await self._linger()
            while self._queue and not self._is_stopping:
                await self._run_once()
                # Callers that were just answered put their next record in this turn of the loop.
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._abandon(None)
            raise
        except Exception as error:
            self._abandon(error)
        finally:
            self._task = None

    async def _run_once(self) -> None:
        """One call, or a pause after one that failed."""
        puts = self._take()
        if not puts:
            return
        try:
            answer = await self._client.put_records(self._request(puts))
            if len(answer.results) != len(puts):
                raise PutFailed("INTERNAL", "the answer has another number of results", may_be_stored=True)
        except grpc.aio.AioRpcError as error:
            await self._on_error(puts, refusal.of_error(error))
            return
        except BaseException:
            self._give_back(puts)
            raise
        left = self._settle(puts, answer)
        if left:
            self._give_back(left)
            await self._back_off()

    async def _linger(self) -> None:
        self._is_full.clear()
        if self._fills_a_call():
            return
        try:
            async with asyncio.timeout(self._linger_seconds):
                await self._is_full.wait()
        except TimeoutError:
            return

    def _fills_a_call(self) -> bool:
        return (
            len(self._queue) >= self._settings.call_records_max or self._queued_bytes >= self._settings.call_bytes_max
        )

    def _take(self) -> list[Put]:
        """What the next call carries: at least one record, without those that nobody waits for any more."""
        now = asyncio.get_running_loop().time()
        records_max = 1 if self._singly else self._settings.call_records_max
        bytes_left = self._settings.call_bytes_max
        queue = self._queue
        taken: list[Put] = []
        gone: list[Put] = []
        while queue and len(taken) < records_max:
            put = queue[0]
            if put.future.done() or put.deadline <= now:
                gone.append(queue.popleft())
                continue
            bytes_left -= put.size_bytes
            if bytes_left < 0 and taken:
                break
            taken.append(queue.popleft())
        self._singly = max(0, self._singly - 1)
        self._expire(gone)
        self._queued_bytes -= sum(put.size_bytes for put in taken)
        return taken

    def _request(self, puts: list[Put]) -> stream_service_pb2.PutRecordsRequest:
        request = stream_service_pb2.PutRecordsRequest(stream_name=self._stream_name)
        add = request.records.add
        for put in puts:
            if not put.producer_sequence and self._producer_id:
                self._numbered += 1
                put.producer_id, put.producer_sequence = self._producer_id, self._numbered
            add(
                data=put.data,
                partition_key=put.partition_key,
                explicit_hash_key=put.explicit_hash_key,
                attributes=put.attributes,
                producer_id=put.producer_id,
                producer_sequence=put.producer_sequence,
            )
        return request

    def _settle(self, puts: list[Put], answer: stream_service_pb2.PutRecordsResponse) -> list[Put]:
        """Complete the callers of an answer; what must be sent again, in order."""
        left: list[Put] = []
        shard_id, has_moved = self.shard_id, False
        for put, result in zip(puts, answer.results, strict=True):
            if result.reason:
                self._on_refused(put, result, left)
                continue
            stored_in = result.shard_id
            if stored_in != shard_id:
                has_moved = True
            if not put.future.done():
                put.future.set_result(PutResult(stored_in, result.sequence_number))
        if len(left) < len(puts):
            self._failures = 0
        self._release(len(puts) - len(left), sum(put.size_bytes for put in puts) - sum(put.size_bytes for put in left))
        if has_moved:
            self._on_moved()
        return left

    def _on_refused(self, put: Put, result: stream_service_pb2.PutRecordsResultEntry, left: list[Put]) -> None:
        if result.reason in refusal.RETRYABLE_REASONS:
            may_be_stored = result.reason in ("OUTCOME_UNKNOWN", "INTERNAL")
            seconds = result.retry_delay_millis / 1000
            self._last_refusal = Refusal(result.reason, result.message, True, may_be_stored, seconds)
            put.may_be_stored = put.may_be_stored or may_be_stored
            left.append(put)
        else:
            put.fail(PutFailed(result.reason, result.message, may_be_stored=put.may_be_stored))

    async def _on_error(self, puts: list[Put], refused: Refusal) -> None:
        """The whole call failed: try all again, or each alone to find the one that is wrong, or give up."""
        self._last_refusal = refused
        if refused.is_retryable:
            for put in puts:
                put.may_be_stored = put.may_be_stored or refused.may_be_stored
            self._give_back(puts)
            await self._back_off()
        elif len(puts) > 1 and refused.reason == "INVALID_ARGUMENT":
            self._give_back(puts)
            self._singly = len(puts)
        else:
            for put in puts:
                put.fail(PutFailed(refused.reason, refused.message, may_be_stored=put.may_be_stored))
            self._release(len(puts), sum(put.size_bytes for put in puts))
            self._on_moved()

    def _give_back(self, puts: Iterable[Put]) -> None:
        """To the front, in order: nothing overtakes them."""
        back = list(puts)
        self._queue.extendleft(reversed(back))
        self._queued_bytes += sum(put.size_bytes for put in back)

    async def _back_off(self) -> None:
        """Pause, but not longer than the oldest record is wanted."""
        self._failures += 1
        pause = self._settings.backoff_seconds(self._failures, random.random())
        if self._last_refusal is not None:
            pause = max(pause, self._last_refusal.retry_after_seconds)
        left = self._queue[0].deadline - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, min(pause, left)))

    def _expire(self, puts: list[Put]) -> None:
        """Let go of records whose time is up or whose caller has gone."""
        if not puts:
            return
        last = self._last_refusal
        said = f"; the last answer was {last.reason}: {last.message}" if last else ""
        text = f"not stored within {self._settings.delivery_timeout_seconds} s{said}"
        for put in puts:
            put.fail(PutFailed(refusal.DELIVERY_TIMEOUT, text, may_be_stored=put.may_be_stored))
        size_bytes = sum(put.size_bytes for put in puts)
        self._queued_bytes -= size_bytes
        self._release(len(puts), size_bytes)

    def _abandon(self, error: Exception | None) -> None:
        """The lane itself broke, or its loop ends: nobody may wait for ever."""
        puts = list(self._queue)
        self._queue.clear()
        self._queued_bytes = 0
        for put in puts:
            if error is None:
                put.future.cancel()
            else:
                put.fail(refusal.copy_of(error))
        self._release(len(puts), sum(put.size_bytes for put in puts))
