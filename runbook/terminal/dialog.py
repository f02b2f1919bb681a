"""The terminal as a place to show lines, page by page if need be, and to ask for one answer at a time."""

from __future__ import annotations

import contextlib
import getpass
import os
import select
import sys
import termios
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from runbook.errors import NoTerminalError
from runbook.terminal.lines import plain, wrap

__all__ = ["Dialog"]

_SMALLEST = (40, 12)
_PASTE_PAUSE = 0.05
"""Seconds in which more input after a line means that several lines were pasted at once."""


@dataclass(slots=True)
class Dialog:
    """Shows lines on `stream` and reads answers from this process's terminal.

    Colour follows `NO_COLOR` and `TERM`; a word always says what a colour says. `TERM=dumb` and `RUNBOOK_ASCII` ask
    for plain ASCII. Every method that asks raises EOFError when the terminal is gone or closed.
    """

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    _console: Console = field(init=False)
    _ascii_only: bool = field(init=False)

    def __post_init__(self) -> None:
        self._console = Console(file=self.stream, highlight=False, emoji=False, markup=False, soft_wrap=True)
        unicode = (self.stream.encoding or "").lower().replace("-", "").startswith("utf")
        self._ascii_only = not unicode or os.environ.get("TERM") == "dumb" or bool(os.environ.get("RUNBOOK_ASCII"))

    # --- showing --------------------------------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """Columns to use: those of the terminal, 100 at most because longer lines read badly."""
        return min(max(self._size()[0], _SMALLEST[0]), 100)

    @property
    def height(self) -> int:
        """Rows of the terminal."""
        return max(self._size()[1], _SMALLEST[1])

    def _size(self) -> tuple[int, int]:
        try:
            columns, rows = os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError):
            return (80, 24)
        return (columns or 80, rows or 24)  # a bare pty says 0 by 0

    def show(self, lines: Iterable[Text | str]) -> None:
        """Print lines."""
        for line in lines:
            text = Text(line) if isinstance(line, str) else line
            if self._ascii_only:
                parts = (part for part in text.render(self._console) if isinstance(part, Segment))
                text = Text.assemble(*((plain(part.text), part.style or "") for part in parts))
            self._console.print(text, soft_wrap=True)
        self.stream.flush()

    def problem(self, text: str) -> None:
        """Say what was wrong with an answer."""
        self.show(wrap(text, self.width, first="  ! ", style="bold yellow"))

    def page(self, lines: Sequence[Text | str], *, from_end: bool = False, stay: bool = True) -> None:
        """Show the lines; more than fit come in pages. `from_end` begins with the last page, where the newest is.

        A single page stays until Enter is pressed, unless a question follows anyway (`stay` is False).
        """
        room = self.height - 2  # less the question, and the row that Enter scrolls away
        if len(lines) <= room:
            self.show(["", *lines])
            if stay:
                self.line("-- Enter goes back: ")
            return
        pages = [lines[start : start + room] for start in range(0, len(lines), room)]
        at = len(pages) - 1 if from_end else 0
        while True:
            self.show(pages[at])
            last = at == len(pages) - 1
            go_on = "Enter closes" if last else "Enter next page"
            answer = self.line(f"-- page {at + 1} of {len(pages)} -- {go_on}, b back, q close: ").lower()
            if answer != "b" and (answer == "q" or last):
                return
            at = max(0, at - 1) if answer == "b" else at + 1

    def rewrite(self, text: str) -> None:
        """Put a short text in place of the line that the cursor is in."""
        self.stream.write(f"\r{'':<40}\r{text}")
        self.stream.flush()

    # --- asking ---------------------------------------------------------------------------------------------------

    def line(self, label: str = "> ") -> str:
        """Return one line as it was typed, without spaces around it.

        What was typed before the question is thrown away, and of several lines that come at once none is taken.
        Raises NoTerminalError if nobody can be asked.
        """
        # `input` would read a pipe as gladly, and answers must come from a person.
        if not sys.stdin.isatty():
            raise NoTerminalError(
                "there is no terminal to ask at", hint="Run it in a terminal; answers can't come through a pipe."
            )
        _use_line_editing()
        while True:
            self.flush()
            try:
                text = input(label)
            except OSError as error:  # the terminal hung up
                raise EOFError from error
            # What waits right behind the line was pasted with it, and may have been meant for another window.
            if "\n" not in text and not select.select([sys.stdin], [], [], _PASTE_PAUSE)[0]:
                return text.strip()
            self.flush()
            self.show(["Several lines came at once; none of them was taken. Type the answer."])

    def secret(self, label: str) -> str:
        """Return what was typed without showing it."""
        self.flush()
        return getpass.getpass(label)

    def enter_within(self, seconds: float) -> bool:
        """Wait so long; return True at once if Enter is pressed."""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if ready and not sys.stdin.readline():
            raise EOFError
        return bool(ready)

    def flush(self) -> None:
        """Throw away what was typed and not read yet."""
        with contextlib.suppress(termios.error, OSError, ValueError):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _use_line_editing() -> None:
    """Give `input` its editing keys, without history: an old `yes` must not come back with an arrow key."""
    try:
        import readline
    except ImportError:
        return
    readline.set_auto_history(False)
    readline.clear_history()
