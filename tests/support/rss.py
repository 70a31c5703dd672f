"""How much memory a process holds, and held at most."""

from __future__ import annotations

from pathlib import Path

MIB = 1024 * 1024


def peak_bytes(pid: int) -> int:
    """The most that was resident since the process began or `forget_peak`."""
    return _field(pid, "VmHWM")


def forget_peak(pid: int) -> int:
    """The peak begins again from what is resident now, which is returned."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _field(pid, "VmRSS")


def _field(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc says nothing of {name}")
