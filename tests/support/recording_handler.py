"""A handler that writes down every call, for acceptance tests: `python -m tests.support.recording_handler`.

Told by RECORDING_ variables: LISTEN, LOG (a file of JSON lines, flushed at each), SECONDS (how long a call takes) and
FAILING (text in records that fail their batch), PARTIAL=1 (answer the failing ones as batch item failures).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import time
from typing import Any

import grpc
from millrace.handler.v1 import handler_service_pb2, handler_service_pb2_grpc

MESSAGE_BYTES_MAX = 16 * 1024 * 1024


class RecordingHandler(handler_service_pb2_grpc.HandlerServiceServicer):
    """Writes a line when a call starts and when it ends."""

    def __init__(self) -> None:
        self._log = open(os.environ["RECORDING_LOG"], "a", buffering=1)  # noqa: SIM115  # open as long as the process
        self._seconds = float(os.environ.get("RECORDING_SECONDS", "0"))
        self._failing = os.environ.get("RECORDING_FAILING", "")
        self._is_partial = os.environ.get("RECORDING_PARTIAL") == "1"
        self._never = asyncio.Event()
        self._calls = itertools.count()
        self._write(phase="boot")

    async def Invoke(self, request: Any, context: Any) -> handler_service_pb2.InvokeResponse:
        """Record the call, take the time it is to take, answer."""
        call = f"{os.getpid()}-{next(self._calls)}"
        about = {"invocation": request.invocation_id, "shard": request.shard_id, "attempt": request.attempt}
        about |= {"epoch": request.epoch, "mapping": request.mapping_id, "call": call}
        numbers = [record.sequence_number for record in request.records]
        data = [record.data.decode() for record in request.records]
        self._write(phase="start", **about, numbers=numbers, data=data)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._never.wait(), self._seconds)
        except asyncio.CancelledError:
            self._write(phase="end", call=call, settled=0, was_cut_off=True)
            raise
        failed = [place for place, each in enumerate(data) if self._failing and self._failing in each]
        settled = len(data) if not failed else failed[0] if self._is_partial else 0
        self._write(phase="end", call=call, settled=settled, was_cut_off=False)
        if failed and not self._is_partial:
            await context.abort(grpc.StatusCode.INTERNAL, "a failing record is in the batch")
        response = handler_service_pb2.InvokeResponse()
        for place in failed:
            response.batch_item_failures.add(sequence_number=numbers[place])
        return response

    def _write(self, **fields: Any) -> None:
        self._log.write(json.dumps({"at": time.monotonic(), **fields}) + "\n")


async def main() -> None:
    """Serve until SIGTERM."""
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES_MAX), ("grpc.so_reuseport", 0)]
    server = grpc.aio.server(options=options)
    handler_service_pb2_grpc.add_HandlerServiceServicer_to_server(RecordingHandler(), server)  # type: ignore[no-untyped-call]  # generated
    port = server.add_insecure_port(os.environ["RECORDING_LISTEN"])
    await server.start()
    print(f"ready 127.0.0.1:{port}", flush=True)  # noqa: T201  # how processes tell that they serve
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    await asked.wait()
    await server.stop(1)


if __name__ == "__main__":
    asyncio.run(main())
