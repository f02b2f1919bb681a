"""Read one answer at a time from the person at the terminal, and never one that was meant for something else."""

from __future__ import annotations

import contextlib
import getpass
import select
import sys
import termios

from runbook.errors import NoTerminalError
from runbook.terminal.console import Look

__all__ = ["Prompt"]

_PASTE_PAUSE = 0.05
"""Seconds in which more input after a line means that several lines were pasted at once."""


class Prompt:
    """Asks at this process's terminal. Every method raises EOFError when the terminal is gone or closed."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def line(self, label: str = "> ") -> str:
        """Return one line as it was typed, without spaces around it.

        What was typed before the question is thrown away, and of several lines that come at once none is taken.
        Raises NoTerminalError if nobody can be asked.
        """
        if not sys.stdin.isatty():
            raise NoTerminalError(
                "there is no terminal to ask at", hint="Run it in a terminal; answers can't come through a pipe."
            )
        _use_line_editing()
        while True:
            self.flush()
            text = self._read(label)
            if "\n" not in text and not self._more_waits():
                return text.strip()
            self.flush()
            self._look.show(["Several lines came at once; none of them was taken. Type the answer."])

    def secret(self, label: str) -> str:
        """Return what was typed without showing it."""
        self.flush()
        return getpass.getpass(label)

    def ended_early(self, seconds: float) -> bool:
        """Wait so long; return True at once if Enter was pressed."""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if ready and not sys.stdin.readline():
            raise EOFError
        return bool(ready)

    def _read(self, label: str) -> str:
        try:
            return input(label)
        except OSError as error:  # the terminal hung up
            raise EOFError from error

    def flush(self) -> None:
        """Throw away what was typed and not read yet."""
        with contextlib.suppress(termios.error, OSError, ValueError):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)

    def _more_waits(self) -> bool:
        return bool(select.select([sys.stdin], [], [], _PASTE_PAUSE)[0])


def _use_line_editing() -> None:
    """Give `input` its editing keys, without history: an old `yes` must not come back with an arrow key."""
    try:
        import readline
    except ImportError:
        return
    readline.set_auto_history(False)
    readline.clear_history()
