"""When a process was born, as the kernel tells it: with the pid it names one process and never a later one."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["birth"]


def birth(pid: int) -> str:
    """Return the kernel's start time of a process, empty if there is no such process (or it is a zombie).

    Linux: clock ticks since boot, field 22 of `/proc/PID/stat`. Elsewhere: what `ps` prints.
    """
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        return _linux_birth(stat)
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607 - `ps` is wherever the system has it
    return shown.stdout.strip()


def _linux_birth(stat: Path) -> str:
    try:
        # The program's name stands in parentheses and may hold anything, spaces and parentheses too.
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]
