"""Show that something is running, and for how long, in one line that is rewritten in place."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from runbook.printable import printable
from runbook.runtime.terminal_modes import knows_sequences
from runbook.streams import terminal_of

__all__ = ["RunningMark", "running"]

_PATIENCE = 0.5
"""Seconds after which a wait gets a mark; a shorter wait needs none."""
_PACE = 0.2
_TURNS = "|/-\\"


class RunningMark:
    """A mark with the seconds since its creation. `write` puts text on a terminal, at the start of a line.

    A terminal without escape sequences gets one plain line instead.
    """

    def __init__(self, write: Callable[[str], object], columns: Callable[[], int] = lambda: 80) -> None:
        self._write, self._columns = write, columns
        self._rewrites = knows_sequences()
        self._is_shown = self._is_said = False
        self._turn = 0
        self.restart()

    def restart(self) -> None:
        """Count from now on, because the wait is over."""
        self._began = time.monotonic()
        self._drawn = 0.0

    def show(self, text: str) -> None:
        """Draw the mark if it's time. Call this several times a second."""
        now = time.monotonic()
        if now - self._began < _PATIENCE or now - self._drawn < _PACE:
            return
        self._drawn = now
        if not self._rewrites:
            if not self._is_said:
                self._write(f"  {text} ...\r\n")
            self._is_said = True
            return
        self._turn = (self._turn + 1) % len(_TURNS)
        line = f"  {_TURNS[self._turn]} {printable(text)}, {now - self._began:.0f} s"
        self._write(f"\r\x1b[K{line[: max(self._columns() - 1, 8)]}")
        self._is_shown = True

    def clear(self) -> None:
        """Remove the mark, so that other text may follow at the start of its line."""
        if self._is_shown:
            self._is_shown = False
            self._write("\r\x1b[K")


@contextmanager
def running(text: str, stream: TextIO | None = None) -> Iterator[None]:
    """Show a mark with that text on a stream (default: standard error) until the block ends.

    A stream that isn't a terminal gets nothing.
    """
    terminal = terminal_of(stream or sys.stderr)
    if not terminal.isatty():
        yield
        return

    def write(shown: str) -> None:
        with suppress(OSError, ValueError):  # the terminal is gone, but the work continues
            terminal.write(shown)
            terminal.flush()

    mark, ended = RunningMark(write, lambda: _columns(terminal)), threading.Event()

    def draw() -> None:
        while not ended.wait(_PACE):
            mark.show(text)

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        mark.clear()


def _columns(stream: TextIO) -> int:
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or 80
    return 80
