"""Fork the real command line into its own process on a real terminal: hundreds of starts take seconds.

The child is `runbook.cli.main` as it is. What a test adds is a place at which it is killed as by `kill -9`.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from support.terminals import settle_in

# Everything that a walk imports, so that no child has to.
for module in (
    "cli.run",
    "cli.resume",
    "checks",
    "engine.session",
    "terminal",
    "runtime.executor",
    "runtime.cli_target",
):
    import_module(f"runbook.{module}")
for module in ("runbook.policy.redaction", "rich.console", "runbook.journal.machine_locks", "runbook.journal.sqlite"):
    import_module(module)

__all__ = ["KillAt", "Terminal", "opened", "ran", "start"]

_PROMPT = re.compile(r"(?:\n|\r)(?:(?:why|value|reason|note|who)?> |-- (?:page \d+ of \d+|Enter )[^\n]*: )$")
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class KillAt:
    """Die at the `number`th event that this process writes: once it is on disk, or (`before`) just before that."""

    number: int
    before: bool = False


@dataclass(slots=True)
class Terminal:
    """The test's side of the child's terminal."""

    pid: int
    master: int
    text: str = ""
    screens: list[str] = field(default_factory=list)
    meanwhile: dict[str, Callable[[str], None]] = field(default_factory=dict)
    """What to do, once, when a text appears, while the child itself asks nothing."""

    def converse(self, answer: Callable[[str], str], *, timeout: float = 120) -> int:
        """Answer each prompt, given the screen since the last one, until the child ends. Return its exit code."""
        until = time.monotonic() + timeout
        while self._read(until):
            for text in [text for text in self.meanwhile if text in self.text]:
                self.meanwhile.pop(text)(self.text)
            if _PROMPT.search(self.text):
                self.screens.append(self.text)
                typed, self.text = answer(self.text), ""
                with contextlib.suppress(OSError):  # it may be dead by now
                    os.write(self.master, typed.encode() + b"\r")
        self.screens.append(self.text)
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self, until: float) -> bool:
        if not select.select([self.master], [], [], max(0.0, until - time.monotonic()))[0]:
            os.kill(self.pid, signal.SIGKILL)
            raise AssertionError(f"nothing happened any more:\n{self.text}")
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: all of the child's ends are closed
            return False
        self.text += _ESCAPES.sub("", data.decode(errors="replace"))
        return bool(data)


def opened(directory: Path) -> Callable[[], None]:
    """Read and check a book here, and return what makes a child open that one at once."""
    from runbook.checks import opening
    from runbook.loading.book import load_book

    reading = load_book(directory)
    opening.open_book(str(directory))

    def hand_over() -> None:
        setattr(opening, "load_book", lambda _: reading)  # noqa: B010 - mypy has it as a function
        setattr(opening, "find_kept", lambda _: True)  # noqa: B010

    return hand_over


def start(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    kill: KillAt | None = None,
    before: Callable[[], None] = lambda: None,
) -> Terminal:
    """Fork, call `before` and run the command line there."""
    pid, master = pty.fork()
    if pid == 0:
        _child(argv, environment, directory, kill, before)
    return Terminal(pid, master)


def ran(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    before: Callable[[], None] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Fork, call `before` and run the command line there, without a terminal, until it ends."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            _child(argv, environment, directory, None, before)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([*argv], code, out.read().decode(), err.read().decode())


def _child(
    argv: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    kill: KillAt | None,
    before: Callable[[], None],
) -> NoReturn:
    code = 99
    try:
        settle_in(environment)
        os.chdir(directory)
        if kill is not None:
            _arm(kill)
        _hurry()
        before()
        from runbook.cli import main

        code = main(argv)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _arm(kill: KillAt) -> None:
    """Die at that event. Nothing is flushed, closed or unlocked."""
    from runbook.journal.events import Event
    from runbook.journal.sqlite import SqliteJournal

    append, written = SqliteJournal.append, 0

    def armed(self: SqliteJournal, run: str, event: Event) -> None:
        nonlocal written
        written += 1
        if written == kill.number and kill.before:
            os.kill(os.getpid(), signal.SIGKILL)
        append(self, run, event)
        if written == kill.number:
            os.kill(os.getpid(), signal.SIGKILL)

    SqliteJournal.append = armed  # type: ignore[method-assign]


def _hurry() -> None:
    """Accept answers without pauses: nobody pastes here, and a person's pauses would add up to minutes."""
    from runbook.runtime import answer_reader, typed_keys

    typed_keys.KEY_PACE, answer_reader.ANSWER_HOLD, answer_reader.ENTER_HOLD = 0.0, 0.002, 0.002
