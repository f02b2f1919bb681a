"""Processes of a sandbox, named so that a reused pid is never taken for one of them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Process", "end", "is_alive", "myself", "seen"]


@dataclass(frozen=True, slots=True)
class Process:
    """A pid with the start time the kernel has for it."""

    pid: int
    born: str


def seen(pid: int) -> Process:
    """Return the process that has this pid now; `born` is empty if there is none."""
    return Process(pid, _born(pid))


def myself() -> Process:
    """Return this process."""
    return seen(os.getpid())


def is_alive(process: Process) -> bool:
    """Tell whether that very process still runs (a zombie doesn't)."""
    return bool(process.born) and _born(process.pid) == process.born


def end(process: Process, *signals: signal.Signals, patience: float = 5) -> bool:
    """Send the signals in turn, waiting up to `patience` seconds after each; tell whether it is gone."""
    for number in signals:
        if not is_alive(process):
            return True
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return True
        if _gone_within(process, patience):
            return True
    return not is_alive(process)


def _gone_within(process: Process, seconds: float) -> bool:
    """Wait for its end: by the kernel's notice where there is one, else by looking again."""
    pidfd_open: Callable[[int], int] | None = getattr(os, "pidfd_open", None)
    deadline = time.monotonic() + seconds
    if pidfd_open is not None:
        try:
            handle = pidfd_open(process.pid)
        except OSError:
            return not is_alive(process)
        try:
            select.select([handle], [], [], seconds)
        finally:
            os.close(handle)
        return not is_alive(process)
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(process)


def _born(pid: int) -> str:
    """Return the kernel's start time of the pid, empty if it isn't running."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in {"Z", "X"} else fields[19]
    shown = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = shown.stdout.strip().partition(" ")
    return "" if not state or state.startswith("Z") else started.strip()
