"""Calls the user's function with a batch; whatever it does becomes an answer, never the end of the process."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from concurrent import futures
from typing import Any, TypeAlias

import grpc
from millrace.handler.v1 import handler_service_pb2, handler_service_pb2_grpc

from millrace_sdk import failure
from millrace_sdk.failure import Failures
from millrace_sdk.record import Batch

SERVICE_NAME = "millrace.handler.v1.HandlerService"

Handle: TypeAlias = "Callable[[Batch], Failures] | Callable[[Batch], Awaitable[Failures]]"
"""The user's function: from records in order to those that failed. A `Batch` is a list of records."""

_Context: TypeAlias = "grpc.aio.ServicerContext[handler_service_pb2.InvokeRequest, handler_service_pb2.InvokeResponse]"
_log = logging.getLogger("millrace_sdk")


class HandlerServicer(handler_service_pb2_grpc.HandlerServiceServicer):
    """Invoke. A plain function runs on threads, one batch each, `concurrency` at once; a coroutine runs on the loop."""

    def __init__(self, handle: Handle, *, concurrency: int) -> None:
        self._handle = handle
        self._is_async = inspect.iscoroutinefunction(handle) or inspect.iscoroutinefunction(
            getattr(handle, "__call__", None)  # noqa: B004 - an object whose __call__ is a coroutine function
        )
        self._threads = futures.ThreadPoolExecutor(concurrency, thread_name_prefix="handle")
        self._places = asyncio.Semaphore(concurrency)
        self._running = 0

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve the handler on this server."""
        add: Any = handler_service_pb2_grpc.add_HandlerServiceServicer_to_server
        add(self, server)

    @property
    def running(self) -> int:
        """Batches in the user's function now, also those whose caller has gone."""
        return self._running

    async def Invoke(
        self, request: handler_service_pb2.InvokeRequest, context: _Context
    ) -> handler_service_pb2.InvokeResponse:
        """One batch in, its answer out."""
        if not self._is_async:
            return await self._on_thread(request)
        async with self._places:
            return await self._on_loop(request)

    def close(self) -> None:
        """Take no more batches. Those on threads run to their end, for which nobody waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _on_loop(self, request: handler_service_pb2.InvokeRequest) -> handler_service_pb2.InvokeResponse:
        self._running += 1
        try:
            result = self._handle(Batch(request))
            failures = await result if inspect.isawaitable(result) else result
            return failure.answer_to(failures)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _failed(request, error)
        except (Exception, SystemExit) as error:
            return _failed(request, error)
        finally:
            self._running -= 1

    async def _on_thread(self, request: handler_service_pb2.InvokeRequest) -> handler_service_pb2.InvokeResponse:
        loop = asyncio.get_running_loop()
        await self._places.acquire()
        self._running += 1
        call = loop.run_in_executor(self._threads, self._call, request)
        call.add_done_callback(self._on_done)
        # A caller that went away cannot stop the thread: its place stays taken until the function returns.
        return await asyncio.shield(call)

    def _call(self, request: handler_service_pb2.InvokeRequest) -> handler_service_pb2.InvokeResponse:
        try:
            return failure.answer_to(self._handle(Batch(request)))
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            return _failed(request, error)

    def _on_done(self, call: asyncio.Future[handler_service_pb2.InvokeResponse]) -> None:
        self._running -= 1
        self._places.release()
        if not call.cancelled():
            call.exception()


def _failed(request: handler_service_pb2.InvokeRequest, error: BaseException) -> handler_service_pb2.InvokeResponse:
    """Say it in band, and to the handler's own log. It is the user's process: the stack trace belongs there."""
    _log.error(
        "invoke failed: shard %s, %d records, attempt %d",
        request.shard_id,
        len(request.records),
        request.attempt,
        exc_info=error,
    )
    return failure.answer_to_error(error)
