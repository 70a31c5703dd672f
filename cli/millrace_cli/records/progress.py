"""How far a put has come: a bar with the rate and the time left, on a terminal only."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Protocol, Self


class Progress(Protocol):
    """Is told how far it is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, *, bytes_read: int, stored: int, failed: int) -> None:
        """Totals since the beginning."""


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, *, bytes_read: int, stored: int, failed: int) -> None:
        """Nothing to show."""


class Bar:
    """On standard error. Without a known total it shows what is done and how fast."""

    def __init__(self, total_bytes: int | None) -> None:
        from rich import console, progress

        left: list[Any] = [progress.BarColumn(), progress.TaskProgressColumn(), progress.TimeRemainingColumn()]
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}"),
            *(left if total_bytes else [progress.TimeElapsedColumn()]),
            progress.TransferSpeedColumn(),
            console=console.Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("", total=total_bytes)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, *, bytes_read: int, stored: int, failed: int) -> None:
        """Totals since the beginning."""
        elapsed = self._progress.tasks[0].elapsed or 0.0
        rate = f", {stored / elapsed:,.0f}/s" if elapsed else ""
        text = f"{stored:,} records stored{rate}" + (f", {failed:,} refused" if failed else "")
        self._progress.update(self._task, completed=bytes_read, description=text)


def of(total_bytes: int | None, *, is_wanted: bool) -> Progress:
    """A bar where standard error is a terminal."""
    return Bar(total_bytes) if is_wanted and sys.stderr.isatty() else Silence()
