"""On Linux, a network of its own for an unattended drill, with nothing in it but loopback."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

__all__ = ["cut_off_network"]

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x1


def cut_off_network() -> bool:
    """Move this process, and all it starts from now on, to a network of loopback alone; tell whether that worked.

    Linux only, and only where the kernel lets this user. It is tried in a child first: a half-made network would be
    worse than none. Must be called before there are threads.
    """
    if sys.platform != "linux" or not _works_in_a_child():
        return False
    return _enter()


def _works_in_a_child() -> bool:
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if _enter() and _loopback_answers() else 1)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _enter() -> bool:
    """Leave the network, and, for that, as a plain user, become the owner of a new user namespace with the same id."""
    user, group, root = os.geteuid(), os.getegid(), os.geteuid() == 0
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_NETWORK if root else _NEW_NETWORK | _NEW_USER) != 0:
        return False
    try:
        if not root:
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
        _raise_loopback()
    except OSError:
        return False
    return True


def _raise_loopback() -> None:
    with socket.socket() as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))


def _loopback_answers() -> bool:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=1):
        return True
