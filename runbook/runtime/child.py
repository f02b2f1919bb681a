"""Fork a program into its own session and pseudo terminal, and hold it until its start time is recorded."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import signal
import struct
import termios
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from runbook.journal.liveness import birth
from runbook.runtime.programs import FileState, changed_file

__all__ = ["CHANGED", "Launch", "NotLoadedError", "PtyChild", "Size", "spawn"]

Size = tuple[int, int]
"""Columns and rows, as `os.get_terminal_size` orders them."""

CHANGED = errno.ESTALE
"""The error number for a program whose files changed after it was looked up."""

_OPEN = b"g"
_RESET_SIGNALS = "SIGPIPE SIGXFSZ SIGINT SIGQUIT SIGHUP SIGTERM SIGTSTP SIGTTIN SIGTTOU SIGCHLD SIGCONT SIGWINCH"


class NotLoadedError(Exception):
    """The kernel couldn't load the program; `code` is its error number."""

    def __init__(self, code: int) -> None:
        super().__init__(os.strerror(code))
        self.code = code

    def sentence(self, program: str) -> str:
        """Return what to tell the operator about the program that didn't start."""
        why = f"{self} ({errno.errorcode.get(self.code, str(self.code))})"
        if self.code == CHANGED:
            why = "it changed at the very moment it was started. Find out who changed it"
        return f"{program} couldn't be started: {why}. Nothing ran."


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start: `program` is the resolved path of `argv[0]`; `files` must not have changed."""

    program: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    size: Size
    files: Sequence[FileState] = ()
    separate_stdout: bool = False
    """Give it a pipe as stdout; stdin and stderr stay on the terminal."""


@dataclass(slots=True)
class PtyChild:
    """A running program. `terminal` is the master side of its pty, `document` our end of its stdout's pipe."""

    pid: int
    terminal: int
    document: int | None
    _status: int | None = field(default=None, init=False)

    def poll(self) -> int | None:
        """Return the exit code (negative: the signal that killed it), or None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def signal(self, number: int) -> None:
        """Send a signal to the child and everything it started in its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def resize(self, size: Size) -> None:
        """Set the size of the child's terminal; the kernel tells the child."""
        columns, rows = size
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self, grace: float = 1.0) -> None:
        """Ask it to end, and kill it if it hasn't ended within `grace` seconds."""
        self.signal(signal.SIGTERM)
        until = time.monotonic() + grace
        while self.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        # Even if it ended, because what it started may still be in its process group.
        self.signal(signal.SIGKILL)

    def close(self) -> None:
        """Kill what is left of it and release everything. It's safe to call this at any time, even twice."""
        if self._status is None:
            self.signal(signal.SIGKILL)
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        for end in (self.terminal, self.document):
            if end is not None:
                with contextlib.suppress(OSError):
                    os.close(end)
        self.document = None


def spawn(launch: Launch, born: Callable[[int, str], None]) -> PtyChild:
    """Start the program, but only once `born(pid, start time)` has returned.

    Raises what `born` raises, and NotLoadedError if the program can't be loaded; in both cases nothing ran.
    """
    master, slave = pty.openpty()
    stdout, stdout_end = os.pipe() if launch.separate_stdout else (None, None)
    # The child waits at the gate for the key; `trouble` closes by itself once it has loaded its program.
    gate, key = os.pipe()
    trouble, trouble_end = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns if threads exist, but the child below only makes system calls until it execs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os.close(key)
        _become(launch, (slave, stdout_end or slave, slave), gate, trouble_end)
    for end in (slave, stdout_end, gate, trouble_end):
        if end is not None:
            os.close(end)
    child = PtyChild(pid, master, stdout)
    try:
        child.resize(launch.size)
        _open_gate(child, key, trouble, born)
    except BaseException:
        # It is still waiting, or failed to load. Nothing ran, so killing it loses nothing.
        child.close()
        raise
    return child


def _open_gate(child: PtyChild, key: int, trouble: int, born: Callable[[int, str], None]) -> None:
    """Record the start time, then let the child load its program, and wait until it has."""
    try:
        born(child.pid, birth(child.pid))
        os.write(key, _OPEN)
        number = os.read(trouble, 16)
        if number:
            raise NotLoadedError(int(number))
    finally:
        # Before anyone waits for the child: until its session exists, it can't be killed, only released.
        os.close(key)
        os.close(trouble)


def _become(launch: Launch, standard: tuple[int, int, int], gate: int, trouble: int) -> NoReturn:
    """Turn the forked copy of this process into the program. Never returns, never unwinds this process's stack."""
    try:
        os.setsid()
        fcntl.ioctl(standard[0], termios.TIOCSCTTY, 0)
        # A parent that raised or died closes the other end of the gate, so reading it returns nothing.
        if os.read(gate, 1) != _OPEN:
            os._exit(125)
        for number, end in enumerate(standard):
            os.dup2(end, number)
        # Python ignores SIGPIPE for itself; an ignored signal stays ignored across exec.
        for name in _RESET_SIGNALS.split():
            signal.signal(signal.Signals[name], signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        os.chdir(launch.directory)
        # As late as possible: files may have been replaced while this waited at the gate.
        if changed_file(launch.files):
            os.write(trouble, str(CHANGED).encode())
            os._exit(126)
        os.execve(launch.program, list(launch.argv), dict(launch.environment))  # noqa: S606 - an argv, on purpose
    except OSError as error:
        os.write(trouble, str(error.errno).encode())
    finally:
        os._exit(126)
