"""The lines of a file that somebody else is writing."""

from __future__ import annotations

from pathlib import Path


class Lines:
    """Whole lines, each once; a last line without its end waits for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> list[str]:
        """The lines since the last time; empty when there are none or no file yet."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return []
        end = new.rfind(b"\n") + 1
        self._offset += end
        return new[:end].decode(errors="replace").splitlines()
