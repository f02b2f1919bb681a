"""Whether a process that is on record still lives. A pid alone does not say: the kernel reuses them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

__all__ = ["born", "is_alive", "this_host"]


def this_host() -> str:
    """Return the name that this machine goes by in the journal."""
    return socket.gethostname() or "localhost"


def born(pid: int) -> str:
    """Return when the kernel started that process, as text that only equality makes sense of; "" if it is gone."""
    return _born_on_linux(pid) if sys.platform == "linux" else _born_by_ps(pid)


def is_alive(pid: int, born_at: str, host: str) -> bool | None:
    """Return whether that very process still lives, None if it is on another machine."""
    if host != this_host():
        return None
    now = born(pid)
    return bool(now) and (not born_at or now == born_at)


def _born_on_linux(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The program's name, in parentheses, may itself hold spaces and parentheses: count from the last one (proc(5)).
    status, *rest = stat.rpartition(")")[2].split()
    return "" if status in {"Z", "X"} else f"{_boot()}/{rest[18]}"


def _boot() -> str:
    # Ticks since boot are the same after the next boot; the boot's own id is not.
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _born_by_ps(pid: int) -> str:
    asked = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-o", "stat=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    )
    *started, status = asked.stdout.split() or [""]
    return "" if status.startswith("Z") else " ".join(started)
