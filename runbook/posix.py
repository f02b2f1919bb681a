"""What runbook needs of a system: terminals and locks as POSIX has them."""

from __future__ import annotations

import sys

__all__ = ["POSIX_MODULES", "is_supported"]

POSIX_MODULES = frozenset({"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"})
"""Modules of the standard library that Windows lacks."""


def is_supported() -> bool:
    """Return whether this is a system with the terminals and the locks that runbook needs."""
    try:
        import fcntl  # noqa: F401 - every verb needs it
    except ModuleNotFoundError:
        return False
    return sys.platform != "win32"
