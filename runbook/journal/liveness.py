"""Whether a recorded process is still alive. A pid alone doesn't tell, because the kernel reuses pids.

A process is recorded with its birth: its kernel start time and an id of its machine, because two machines may have the
same name. Older versions recorded the start time alone.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

__all__ = ["birth", "is_alive", "survivors", "this_host"]

_MACHINE_ID = Path("/etc/machine-id")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PIDS = Path("/proc/self/ns/pid")
_PIDS_OF_A_MACHINE = "pid:[4026531836]"
"""What Linux calls the pids outside of all containers, on every machine (PROC_PID_INIT_INO)."""


def this_host() -> str:
    """Return this machine's name in the journal."""
    return socket.gethostname() or "localhost"


def birth(pid: int) -> str:
    """Return what tells a live process of this machine from every other with the same pid, empty if there is none."""
    started = _start_time(pid)
    return f"{started}@{_this_machine()}" if started else ""


@cache
def _this_machine() -> str:
    """Return an id of this machine, or of this container: its processes have pids of their own.

    A machine has the same id after a restart. A container may share its image's machine id, and the kernel's number for
    its pids, with containers on other machines, so the start of its kernel counts, too.
    """
    parts = []
    with suppress(OSError):
        parts.append(_MACHINE_ID.read_text(encoding="utf-8"))
    with suppress(OSError):
        parts.append(os.readlink(_PIDS))  # noqa: PTH115 - it points to no file: `pid:[4026531836]`
    if parts and parts[-1] != _PIDS_OF_A_MACHINE:
        with suppress(OSError):
            parts.append(_BOOT_ID.read_text(encoding="utf-8"))
    if not parts:
        import uuid

        parts.append(f"{uuid.getnode():x}")
    return sha256("".join(parts).encode()).hexdigest()[:12]


def _start_time(pid: int) -> str:
    """Return the kernel's start time of a process, empty if there is none, it is a zombie, or the system hides it.

    Linux: clock ticks since boot, field 22 of `/proc/PID/stat`. Elsewhere: what `ps` prints.
    """
    if not Path("/proc/self/stat").exists():
        words = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
        # Otherwise another language or time zone, as in another terminal, would give another start time.
        settings = {"LC_ALL": "C", "TZ": "UTC"}
        shown = subprocess.run(words, env=settings, capture_output=True, text=True, check=False).stdout
        state, _, started = shown.strip().partition(" ")
        return "" if state.startswith("Z") else started.strip()
    fields = _stat_fields(Path(f"/proc/{pid}/stat"))
    return fields[19] if fields else ""


def _stat_fields(stat: Path) -> list[str]:
    """Return a live process's fields from the state (field 3) on, none if it has ended."""
    try:
        # The program's name is in parentheses and may contain anything, even spaces and parentheses.
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
    # A zombie (or dead) process does nothing more; it only waits for its parent to ask how it ended.
    return [] if fields[0] in {"Z", "X"} else fields


def is_alive(pid: int, born: str, host: str) -> bool | None:
    """Return whether that very process is still alive; None if it's on another machine, or hidden on this one."""
    if _is_elsewhere(born, host):
        return None
    now = _start_time(pid)
    if not now and _is_hidden(pid):
        return None
    return bool(born) and now == born.partition("@")[0]


def survivors(pid: int, born: str, host: str) -> tuple[int, ...] | None:
    """Return the processes of a command that are still running: itself and what it started; None if nobody can tell.

    Each command leads its own session. The processes that it started stay in that session after the leader dies, and
    until they end, the kernel doesn't give the leader's pid to another process.
    """
    if _is_elsewhere(born, host):
        return None
    now = _start_time(pid)
    if not now and _is_hidden(pid):
        return None
    # A reused pid proves that nothing is left in the session: see above.
    if now and now != born.partition("@")[0]:
        return ()
    return tuple(sorted(member for member, session in _sessions() if session == pid))


def _is_elsewhere(born: str, host: str) -> bool:
    machine = born.partition("@")[2]
    return host != this_host() or bool(machine and machine != _this_machine())


def _is_hidden(pid: int) -> bool:
    """Return whether the process exists but the system hides it, because another user owns it (`hidepid`)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _sessions() -> Iterator[tuple[int, int]]:
    """Yield each process with its session, or with its process group if the system hides the session."""
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
