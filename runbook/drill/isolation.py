"""Keep a drill on this machine: its commands' environment, a proxy that refuses everything, a network of its own."""

from __future__ import annotations

import base64
import ctypes
import fcntl
import hmac
import itertools
import os
import secrets
import shlex
import socket
import stat
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler

from runbook.drill.loopback import serve_on_loopback

__all__ = [
    "BlockingProxy", "cut_off_network", "harmless_environment", "open_blocking_proxy", "write_shell_script",
]  # fmt: skip

# --- the environment of commands ------------------------------------------------------------------------------------


# The person, their terminal's settings, and what measures the tests' children. Nothing here names a target.
_HARMLESS = {
    "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LANG", "LANGUAGE", "TZ", "EDITOR", "VISUAL",
    "TMPDIR", "USER", "LOGNAME", "SHELL", "PYTHONPATH", "PYTHONWARNINGS", "COVERAGE_PROCESS_START", "TMUX",
}  # fmt: skip
_PREFIXES = ("LC_", "RUNBOOK_", "XDG_", "PYTEST_")


def write_shell_script(
    file: Path, project: Path, environment: Mapping[str, str], *, welcome: Sequence[str] = ()
) -> Path:
    """Write a script that runs a command, or a shell, in the project with only that environment. Return its path.

    The shell begins with the lines of `welcome`.
    """
    # `env -i`: variables that the other terminal exports, such as a token or PGHOST, must not get in.
    settings = " ".join(shlex.quote(f"{name}={value}") for name, value in environment.items())
    # The script contains the drill's password and keys, so nobody else may read it, not even while it's being written.
    file.touch(mode=stat.S_IRWXU, exist_ok=False)
    file.write_text(
        f"#!/bin/sh\ncd {shlex.quote(str(project))} || exit\n"
        f"if [ $# -eq 0 ]; then\n  printf '%s\\n' {' '.join(map(shlex.quote, welcome))}\n  set -- sh\nfi\n"
        f'exec env -i TERM="$TERM" {settings} "$@"\n',
        encoding="utf-8",
    )
    return file


@contextmanager
def harmless_environment() -> Iterator[None]:
    """Remove everything but terminal and language settings from this process's environment for the block.

    Commands inherit this process's environment, so a `SUPABASE_PROJECT_ID`, a token or a `PGHOST` must not be in it.
    """
    before = dict(os.environ)
    for name in before:
        if name not in _HARMLESS and not name.startswith(_PREFIXES) and name not in {"HOME", "PATH"}:
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# --- the proxy ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class BlockingProxy:
    """The proxy that commands use for the internet. `attempts` are the hosts and URLs that they asked for."""

    url: str
    """Contains a password that only the drill's own commands have."""
    attempts: list[str] = field(default_factory=list)


@contextmanager
def open_blocking_proxy() -> Iterator[BlockingProxy]:
    """Listen as an HTTP proxy on a free port of 127.0.0.1 until the block ends, and refuse every request.

    A request without the password gets a 407 and doesn't count as an attempt: it isn't the drill's.
    """
    proxy, key = BlockingProxy(""), f"drill:{secrets.token_urlsafe(24)}"
    wanted = f"Basic {base64.b64encode(key.encode()).decode()}".encode()

    class Refusal(StreamRequestHandler):
        timeout = 5  # seconds for a client that connects and sends nothing

        def handle(self) -> None:
            """Note `CONNECT host:port` or `GET http://host/…`, and refuse."""
            lines = list(itertools.takewhile(bytes.strip, (self.rfile.readline(8192) for _ in range(100))))
            shown = (line.partition(b":") for line in lines[1:])
            given = [value.strip() for name, _, value in shown if name.strip().lower() == b"proxy-authorization"]
            if len(given) == 1 and hmac.compare_digest(given[0], wanted):
                # The attempt is shown later, so it must not contain control characters.
                words = lines[0].decode("ascii", "replace").split()[:2]
                proxy.attempts.append(" ".join(word for word in words if word.isprintable())[:200])
                answer = b"403 A drill stays on this machine\r\n"
            else:
                answer = b'407 A drill stays on this machine\r\nProxy-Authenticate: Basic realm="drill"\r\n'
            self.wfile.write(b"HTTP/1.1 " + answer + b"Content-Length: 0\r\nConnection: close\r\n\r\n")

    with serve_on_loopback("the proxy that lets nothing out", Refusal) as server:
        proxy.url = server.url.replace("//", f"//{key}@")
        yield proxy


# --- the network ----------------------------------------------------------------------------------------------------


# CLONE_NEWUSER and CLONE_NEWNET, SIOCSIFFLAGS and IFF_UP: Python 3.11 has no names for them.
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x1


def cut_off_network() -> bool:
    """Move this process, and all it starts from now on, to a network with only loopback. Tell whether that worked.

    This works only on Linux, if the kernel allows it for this user. A child tries it first, because a half-made network
    would be worse than none. Call it before there are threads.
    """
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        try:
            if _enter():
                with socket.create_server(("127.0.0.1", 0)) as server:
                    socket.create_connection(server.getsockname(), timeout=1).close()
                os._exit(0)
        finally:
            os._exit(1)  # also after an error: two processes must not both continue the drill
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and _enter()


def _enter() -> bool:
    """Leave the network. A plain user first becomes the owner of a new user namespace with the same id."""
    user, group, root = os.geteuid(), os.getegid(), os.geteuid() == 0
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_NETWORK if root else _NEW_NETWORK | _NEW_USER) != 0:
        return False
    try:
        if not root:
            # The kernel accepts a group map from a plain user only after "deny" (user_namespaces(7)).
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
        # A new network has a loopback interface, and it is down.
        with socket.socket() as control:
            fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    except OSError:
        return False
    return True
