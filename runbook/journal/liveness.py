"""Whether a process that is on record still lives. A pid alone does not say: the kernel reuses them."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["is_alive", "start_time", "survivors", "this_host"]


def this_host() -> str:
    """Return the name that this machine goes by in the journal."""
    return socket.gethostname() or "localhost"


def start_time(pid: int) -> str:
    """Return the kernel's start time of a process, empty if there is none, it is a zombie, or the system hides it.

    Linux: clock ticks since boot, field 22 of `/proc/PID/stat`. Elsewhere: what `ps` prints.
    """
    if not Path("/proc/self/stat").exists():
        words = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
        shown = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        state, _, started = shown.strip().partition(" ")
        return "" if state.startswith("Z") else started.strip()
    fields = _stat_fields(Path(f"/proc/{pid}/stat"))
    return fields[19] if fields else ""


def _stat_fields(stat: Path) -> list[str]:
    """Return a live process's fields from the state on (field 3), none if it has ended."""
    try:
        # The program's name stands in parentheses and may hold anything, spaces and parentheses too.
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
    # A zombie (or dead) process does nothing any more; it only waits for its parent to ask how it ended.
    return [] if fields[0] in {"Z", "X"} else fields


def is_alive(pid: int, born: str, host: str) -> bool | None:
    """Return whether that very process still lives; None if it can't be seen: on another machine, or hidden on this."""
    if host != this_host():
        return None
    now = start_time(pid)
    if not now and _is_hidden(pid):
        return None
    return bool(born) and now == born


def survivors(pid: int, born: str, host: str) -> tuple[int, ...] | None:
    """Return the processes of a command that still run: itself and what it started; None if nobody can tell.

    Each command leads a session of its own. What it started stays in that session after its leader's death, and
    the kernel gives the leader's pid to nobody else for as long.
    """
    if host != this_host():
        return None
    now = start_time(pid)
    if not now and _is_hidden(pid):
        return None
    # A pid that was given away again proves that nobody is left in the session: see above.
    if now and now != born:
        return ()
    return tuple(sorted(member for member, session in _sessions() if session == pid))


def _is_hidden(pid: int) -> bool:
    """Return whether there is such a process, of another user, and the system hides it from this one (`hidepid`)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _sessions() -> Iterator[tuple[int, int]]:
    """Yield each process with the session that it is in (where the system hides that: with its process group)."""
    if Path("/proc/self/stat").exists():
        for stat in Path("/proc").glob("[0-9]*/stat"):
            if fields := _stat_fields(stat):
                yield int(stat.parent.name), int(fields[3])
        return
    shown = subprocess.run(["/bin/ps", "-axo", "pid=,pgid=,stat="], capture_output=True, text=True, check=False)
    for line in shown.stdout.splitlines():
        pid, group, status = line.split()[:3]
        if not status.startswith("Z"):
            yield int(pid), int(group)
