"""What the kernel knows of a process: its memory and the CPU time that it used."""

from __future__ import annotations

import os
from pathlib import Path

MIB = 1024 * 1024


def peak_bytes(pid: int) -> int:
    """The most that was resident since the process began or `forget_peak`."""
    return _field(pid, "VmHWM")


def forget_peak(pid: int) -> int:
    """The peak begins again from what is resident now, which is returned."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _field(pid, "VmRSS")


def cpu_seconds(pid: int) -> float:
    """CPU time of all its threads until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _field(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc says nothing of {name}")
