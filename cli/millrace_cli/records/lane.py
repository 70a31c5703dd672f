"""Puts records in calls that follow each other: no record overtakes an earlier one of its lane, also when sent again.

idle --add--> calling --all stored--> calling the next --nothing left--> idle
                 '--some refused for now--> pause --> calling the same again, those in front
Each record has a number with its lane, so that one that is sent again after an unknown outcome is stored once.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from millrace.stream.v1 import stream_service_pb2

from millrace_cli.exit_codes import ExitCode
from millrace_cli.records.entries import Entry
from millrace_cli.refusal import CallFailed

CALL_RECORDS_MAX = 500
CALL_BYTES_MAX = 1024 * 1024
WAITING_RECORDS_MAX = 2_000
WAITING_BYTES_MAX = 16 * 1024 * 1024
_BACKOFF_SECONDS = (0.05, 2.0)
_AGAIN_REASONS = frozenset({"PRECEDING_RECORD_REFUSED", "OTHER_RECORD_REFUSED"})
"""Refused for another's sake: they may go with the next call."""

_CERTAIN_REASONS = frozenset({"OVERLOADED", "STORAGE_FULL", "WRITE_LIMIT_EXCEEDED"})


class Puts(Protocol):
    """The call that a lane makes."""

    async def call(self, name: str, request: Any) -> Any:
        """Raises CallFailed."""


class Hears(Protocol):
    """Who is told what became of records."""

    def stored(self, entry: Entry, shard_id: str, sequence_number: str) -> None:
        """It is on disk."""

    def failed(self, entry: Entry, reason: str, message: str, *, may_be_stored: bool) -> None:
        """It will not be tried again."""


@dataclass(slots=True)
class _Waiting:
    entry: Entry
    sequence: int
    size_bytes: int
    tried_at: float = 0.0
    may_be_stored: bool = False


class Lane:
    """Records in order. `retry_seconds` is how long a record is tried again, from its first call on."""

    def __init__(self, service: Puts, stream: str, hears: Hears, *, retry_seconds: float) -> None:
        self._service = service
        self._stream = stream
        self._hears = hears
        self._retry_seconds = retry_seconds
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._producer_id = os.urandom(16)
        self._sequences = itertools.count(1)
        self._failures = 0
        self._singly = 0
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._is_closed = False

    async def add(self, entry: Entry) -> None:
        """Put it after those before it; then waits while too much waits."""
        waiting = _Waiting(entry, next(self._sequences), entry.size_bytes)
        self._waiting.append(waiting)
        self._bytes += waiting.size_bytes
        self._changed.set()
        while len(self._waiting) > WAITING_RECORDS_MAX or self._bytes > WAITING_BYTES_MAX:
            self._has_room.clear()
            await self._has_room.wait()

    def close(self) -> None:
        """Nothing will be added."""
        self._is_closed = True
        self._changed.set()

    def give_up(self, reason: str, message: str) -> None:
        """Nothing will be sent any more: everything that waits has failed."""
        while self._waiting:
            self._fail(self._waiting.popleft(), reason, message)

    async def run(self) -> None:
        """Send until closed and empty. Raises CallFailed when the service is away for too long, or refuses all."""
        while not (self._is_closed and not self._waiting):
            if self._waiting:
                await self._run_once()
            else:
                self._changed.clear()
                await self._changed.wait()

    async def _run_once(self) -> None:
        batch = self._take()
        now = asyncio.get_running_loop().time()
        for each in batch:
            each.tried_at = each.tried_at or now
        try:
            answer = await self._service.call("PutRecords", self._request(batch))
        except CallFailed as failed:
            self._give_back(batch)
            await self._on_call_failed(batch, failed)
            return
        except BaseException:
            for each in batch:
                each.may_be_stored = True
            self._give_back(batch)
            raise
        self._singly = max(0, self._singly - len(batch))
        again, delay_seconds = self._settle(batch, answer.results)
        self._give_back(again)
        self._has_room.set()
        if delay_seconds:
            await self._pause(delay_seconds)
        else:
            self._failures = 0

    def _take(self) -> list[_Waiting]:
        most = 1 if self._singly else CALL_RECORDS_MAX
        taken: list[_Waiting] = []
        size_bytes = 0
        while self._waiting and len(taken) < most:
            size_bytes += self._waiting[0].size_bytes
            if taken and size_bytes > CALL_BYTES_MAX:
                break
            taken.append(self._waiting.popleft())
        self._bytes -= sum(each.size_bytes for each in taken)
        return taken

    def _give_back(self, batch: Sequence[_Waiting]) -> None:
        self._waiting.extendleft(reversed(batch))
        self._bytes += sum(each.size_bytes for each in batch)

    def _request(self, batch: Sequence[_Waiting]) -> Any:
        request = stream_service_pb2.PutRecordsRequest(stream_name=self._stream)
        add = request.records.add
        for each in batch:
            entry = each.entry
            add(
                data=entry.data,
                partition_key=entry.key,
                explicit_hash_key=entry.hash_key,
                attributes=entry.attributes,
                producer_id=self._producer_id,
                producer_sequence=each.sequence,
            )
        return request

    def _settle(self, batch: Sequence[_Waiting], results: Sequence[Any]) -> tuple[list[_Waiting], float]:
        """Tell what became of each; those to send again, and after how long."""
        now = asyncio.get_running_loop().time()
        again: list[_Waiting] = []
        delay_millis = 0
        for each, result in zip(batch, results, strict=True):
            if not result.reason:
                self._hears.stored(each.entry, result.shard_id, result.sequence_number)
            elif now - each.tried_at < self._retry_seconds and (
                result.retry_delay_millis or result.reason in _AGAIN_REASONS
            ):
                again.append(each)
                delay_millis = max(delay_millis, result.retry_delay_millis)
            else:
                self._fail(each, result.reason, result.message)
        return again, delay_millis / 1_000

    async def _on_call_failed(self, batch: Sequence[_Waiting], failed: CallFailed) -> None:
        """Decide what a call that failed as a whole means; its records are in front again."""
        refusal = failed.refusal
        if refusal.reason == "INVALID_ARGUMENT":
            if len(batch) > 1:
                self._singly = len(batch)
            else:
                self._drop_first(refusal.reason, refusal.message)
            return
        if failed.code is not ExitCode.UNAVAILABLE and refusal.code not in ("INTERNAL", "UNKNOWN", "ABORTED"):
            raise failed
        if refusal.reason not in _CERTAIN_REASONS:
            for each in batch:
                each.may_be_stored = True
        if asyncio.get_running_loop().time() - batch[0].tried_at >= self._retry_seconds:
            raise failed
        await self._pause(refusal.retry_seconds)

    def _drop_first(self, reason: str, message: str) -> None:
        dropped = self._waiting.popleft()
        self._bytes -= dropped.size_bytes
        self._singly = max(0, self._singly - 1)
        self._fail(dropped, reason, message)
        self._has_room.set()

    def _fail(self, each: _Waiting, reason: str, message: str) -> None:
        self._hears.failed(each.entry, reason, message, may_be_stored=each.may_be_stored)

    async def _pause(self, asked_seconds: float) -> None:
        least, most = _BACKOFF_SECONDS
        own = random.uniform(0.5, 1.0) * min(most, least * 2.0 ** min(self._failures, 16))
        self._failures += 1
        await asyncio.sleep(max(asked_seconds, own))
