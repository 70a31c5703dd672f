"""What is shown while the demo runs."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich import console as rich_console
from rich import progress as rich_progress


class Screen(Protocol):
    """Somewhere to show the demo."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def say(self, text: str) -> None:
        """A step of the demo."""

    def batch(self, text: str) -> None:
        """What the handler printed."""

    def progress(self, *, put: int, delivered: int) -> None:
        """How far it is."""


class Silence:
    """Shows nothing: stdout is for JSON."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def say(self, text: str) -> None:
        """Say nothing."""

    def batch(self, text: str) -> None:
        """Say nothing."""

    def progress(self, *, put: int, delivered: int) -> None:
        """Say nothing."""


class Terminal:
    """Steps and the handler's lines; bars below them on a terminal only."""

    def __init__(self, console: rich_console.Console, *, total: int) -> None:
        self._console = console
        self._bars = rich_progress.Progress(
            rich_progress.TextColumn("{task.description:<9}"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._put = self._bars.add_task("put", total=total)
        self._delivered = self._bars.add_task("delivered", total=total)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """A step, marked."""
        self._console.print(f"==> {text}", style="bold", markup=False, highlight=False, soft_wrap=True)

    def batch(self, text: str) -> None:
        """A line of the handler, indented."""
        self._console.print(f"    {text}", markup=False, highlight=False, soft_wrap=True)

    def progress(self, *, put: int, delivered: int) -> None:
        """Move the bars."""
        self._bars.update(self._put, completed=put)
        self._bars.update(self._delivered, completed=delivered)
