"""Whether a process that is on record still lives. A pid alone does not say: the kernel reuses them."""

from __future__ import annotations

import socket

from runbook.walk.process.birth import birth

__all__ = ["is_alive", "this_host"]


def this_host() -> str:
    """Return the name that this machine goes by in the journal."""
    return socket.gethostname() or "localhost"


def is_alive(pid: int, born: str, host: str) -> bool | None:
    """Return whether that very process still lives; None if it is on another machine, so that nobody can tell."""
    if host != this_host():
        return None
    return bool(born) and birth(pid) == born
