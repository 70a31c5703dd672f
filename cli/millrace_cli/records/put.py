"""`millrace put`: records into a stream."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Sequence

from millrace.stream.v1 import stream_service_pb2

from millrace_cli import calling, output, quantity
from millrace_cli.exit_codes import ExitCode
from millrace_cli.output_form import Output
from millrace_cli.records import progress, reading
from millrace_cli.records.entries import Read, Unfit
from millrace_cli.records.lane import Lane
from millrace_cli.records.outcome import Outcome
from millrace_cli.records.reading import Wanted
from millrace_cli.refusal import CallFailed
from millrace_cli.session import Session

SHOW_EVERY = 500


async def put(session: Session, wanted: Wanted, *, retry_for: str, calls: int) -> int:
    """Put records from the arguments, a file or standard input, and tell what became of them.

    With one call at a time the order of the input is kept, with more that of each key, which is in one lane only.
    Raises UsageFailed, and CallFailed when the stream is not there or nothing answers.
    """
    retry_seconds = quantity.duration(retry_for, "--retry-for").total_seconds()
    wanted = reading.with_standard_input(wanted)
    reading.check(wanted)
    async with calling.stream_service(session) as service:
        request = stream_service_pb2.DescribeStreamRequest(stream_name=wanted.stream)
        described = (await service.call("DescribeStream", request)).stream
        shape = reading.shape(wanted, bytes_max=described.max_record_size_bytes)
        with (
            reading.Input(wanted, shape) as source,
            progress.of(source.size_bytes, is_wanted=_is_bar_wanted(session, source)) as shown,
            Outcome(session.output, failed_to=wanted.failed_to, is_short=bool(wanted.data)) as outcome,
        ):
            lanes = [Lane(service, wanted.stream, outcome, retry_seconds=retry_seconds) for _ in range(calls)]
            try:
                ended = await _Putting(source, lanes, outcome, shown).run()
            except asyncio.CancelledError:
                outcome.tell(is_whole=False)
                output.note(f"interrupted after {source.number:,} records of the input; what follows was not put")
                raise
    outcome.tell()
    if ended is not None:
        output.note(str(ended))
        return ExitCode.PARTLY if outcome.stored_count else ended.code
    return outcome.exit_code()


def _is_bar_wanted(session: Session, source: reading.Input) -> bool:
    """Not where it would come between what somebody types or the rows that are printed."""
    is_printing = session.output is not Output.TABLE and sys.stdout.isatty()
    return source.is_read and not source.is_typed and not is_printing


class _Putting:
    """Reads records and hands them to lanes, which send meanwhile."""

    def __init__(
        self, source: reading.Input, lanes: Sequence[Lane], outcome: Outcome, shown: progress.Progress
    ) -> None:
        self._source = source
        self._reads: AsyncIterator[Read] = source.reads()
        self._lanes = lanes
        self._outcome = outcome
        self._shown = shown

    async def run(self) -> CallFailed | None:
        """Put all; what made it give up, if it did: then what is left has failed, too."""
        tasks = [asyncio.ensure_future(each.run()) for each in self._lanes]
        tasks.append(asyncio.ensure_future(self._feed()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for each in done:
                each.result()
        except CallFailed as failed:
            await _cancel(tasks)
            await self._give_up(failed)
            return failed
        except asyncio.CancelledError:
            await _cancel(tasks)
            for lane in self._lanes:
                lane.give_up("INTERRUPTED", "millrace put was interrupted")
            raise
        return None

    async def _feed(self) -> None:
        async for read in self._reads:
            if isinstance(read, Unfit):
                self._outcome.unfit(read)
            else:
                await self._lanes[zlib.crc32(read.key.encode()) % len(self._lanes)].add(read)
            if not read.number % SHOW_EVERY:
                self._show()
        for lane in self._lanes:
            lane.close()
        self._show()

    async def _give_up(self, failed: CallFailed) -> None:
        """Everything on its way has failed. The rest of the input has, too, when a file keeps what failed."""
        reason = failed.refusal.reason or failed.refusal.code
        for lane in self._lanes:
            lane.give_up(reason, failed.refusal.message)
        if not self._outcome.is_keeping:
            output.note(f"gave up after {self._source.number:,} records of the input; what follows was not put")
            return
        output.note(f"gave up ({reason}): the rest of the input goes to the file of failures")
        async for read in self._source.reads():
            if isinstance(read, Unfit):
                self._outcome.unfit(read)
            else:
                self._outcome.failed(read, reason, failed.refusal.message, may_be_stored=False)

    def _show(self) -> None:
        self._shown.update(
            bytes_read=self._source.bytes_read, stored=self._outcome.stored_count, failed=self._outcome.failed_count
        )


async def _cancel(tasks: Sequence[asyncio.Future[None]]) -> None:
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
