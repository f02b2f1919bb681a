"""The terminal: shows lines, page by page if needed, and asks for one answer at a time."""

from __future__ import annotations

import math
import os
import select
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from runbook.errors import NoTerminalError
from runbook.printable import one_line, printable
from runbook.runtime.answer_reader import AnswerReader
from runbook.runtime.running_mark import running
from runbook.streams import terminal_of
from runbook.terminal.lines import plain, wrap

__all__ = ["Dialog"]

_SMALLEST = (40, 12)
_NEWEST = 100
_QUESTION = 3
"""The rows of the question that follows a text, at most."""


@dataclass(slots=True)
class Dialog:
    """Shows lines on `stream` and reads answers from this process's terminal.

    Colour follows `NO_COLOR` and `TERM`, and a word always repeats what a colour says. `TERM=dumb` and
    `RUNBOOK_ASCII` ask for plain ASCII. Every method that asks raises EOFError if the terminal is gone or closed.
    """

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    _terminal: TextIO = field(init=False)
    _console: Console = field(init=False)
    _ascii_only: bool = field(init=False)
    _newest: deque[Text] = field(init=False, default_factory=lambda: deque(maxlen=_NEWEST))
    """The lines shown last, the newest at the end."""

    def __post_init__(self) -> None:
        self._terminal = terminal_of(self.stream)
        self._console = Console(file=self._terminal, highlight=False, emoji=False, markup=False, soft_wrap=True)
        unicode = (self.stream.encoding or "").lower().replace("-", "").startswith("utf")
        self._ascii_only = not unicode or os.environ.get("TERM") == "dumb" or bool(os.environ.get("RUNBOOK_ASCII"))

    # --- showing --------------------------------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """Columns to use: the terminal's, but at most 100, because longer lines are hard to read."""
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
            shown = self._ready(line)
            self._console.print(shown, soft_wrap=True)
            self._newest.append(shown)
        self.stream.flush()

    def show_unless(self, written: str, lines: Sequence[Text | str]) -> str:
        """Print lines, unless they were `written` already. Return what is written for them."""
        ready = [self._ready(line) for line in lines]
        with self._console.capture() as captured:
            for line in ready:
                self._console.print(line, soft_wrap=True)
        if captured.get() == written:
            self._newest.extend(ready)
        else:
            self.show(lines)
        return captured.get()

    def _ready(self, line: Text | str) -> Text:
        """Return a line in printable form, in the terminal's characters."""
        # Make it printable first: Text drops some control characters, which must be shown.
        text = Text(printable(line)) if isinstance(line, str) else line
        parts = (part for part in text.render(self._console, end="") if isinstance(part, Segment))
        return Text.assemble(*((self._shown(part.text), part.style or "") for part in parts))

    def _redraw(self) -> None:
        """Print the newest lines again, as many as fit above the prompt, after a shell stopped and continued this."""
        for line in list(self._newest)[-(self.height - 1) :]:
            self._console.print(line, soft_wrap=True)

    def _shown(self, text: str) -> str:
        return plain(printable(text)) if self._ascii_only else printable(text)

    def problem(self, text: str) -> None:
        """Show what was wrong with an answer."""
        self.show(wrap(text, self.width, first="  ! ", style="bold yellow"))

    def page(
        self, lines: Sequence[Text | str], *, from_end: bool = False, stay: bool = True, leave: str = "goes back"
    ) -> None:
        """Show the lines, in pages if they don't fit. `from_end` begins with the last page, which has the newest lines.

        `/text` goes to the next line with that text and puts it at the top; `n` goes to the one after it. The last page
        stays until Enter is pressed, unless a question of a few lines follows anyway (`stay` is False) and fits below
        it. `leave` says what Enter does on a single page.
        """
        room = self.height - 2  # one row for the question, and one that Enter scrolls away
        if len(lines) <= room:
            self.show(["", *lines])
            if stay:
                self.value(f"-- Enter {leave}: ")
            return
        pages = math.ceil(len(lines) / room)
        top, wanted = (pages - 1) * room if from_end else 0, ""
        while True:
            self.show(lines[top : top + room])
            is_last = top + room >= len(lines)
            if is_last and not stay and len(lines) - top < room - _QUESTION:
                return
            ways = f"{'Enter closes' if is_last else 'Enter next'}, b back, {'n again' if wanted else '/text'}, q close"
            answer = self.value(f"-- page {top // room + 1} of {pages}: {ways}: ")
            if answer.startswith("/") or (answer.lower() == "n" and wanted):
                wanted = answer[1:].strip() if answer.startswith("/") else wanted
                found = _next_with(wanted, lines, top)
                if found is None:
                    self.problem(f"No line has '{one_line(wanted)}'.")
                top = top if found is None else found
            elif answer.lower() == "b":
                top = max(0, top - room)
            elif answer.lower() == "q" or is_last:
                return
            else:
                top += room

    def running(self, text: str) -> AbstractContextManager[None]:
        """Show that something runs, and for how long, until the `with` block ends."""
        return running(text, self.stream)

    def rewrite(self, text: str) -> None:
        """Replace the line that the cursor is on with a short text."""
        self._write(f"\r{'':<40}\r{printable(text)}")

    # --- asking ---------------------------------------------------------------------------------------------------

    def line(self, label: str = "> ") -> str:
        """Return an answer that a person typed key by key, without spaces around it.

        It may start something or mark a step as done, so pasted text and keys from before the question are discarded.
        Raises NoTerminalError if nobody can be asked.
        """
        return self._reader().confirmation(label)

    def value(self, label: str = "> ") -> str:
        """Return a value or a note: one line, typed or pasted, that ends with a typed Enter."""
        return self._reader().value(label)

    def secret(self, label: str) -> str:
        """Return a value without showing it."""
        return self._reader().value(label, is_hidden=True)

    def secret_lines(self, label: str, longest: int) -> str:
        """Return a value without showing it; a paste that the terminal marks may have several lines."""
        return self._reader().lines(label, longest)

    def has_early_keys(self) -> bool:
        """Tell whether a line was typed while nothing was asked. The next question discards it."""
        return sys.stdin.isatty() and bool(select.select([sys.stdin.fileno()], [], [], 0)[0])

    def enter_within(self, seconds: float, tick: Callable[[float], None]) -> bool:
        """Wait that many seconds; return True once Enter is typed. `tick` gets the seconds left, once a second."""
        return self._reader().enter_within(seconds, tick)

    def _reader(self) -> AnswerReader:
        # Answers must come from a person, not from a pipe.
        if not sys.stdin.isatty():
            raise NoTerminalError(
                "there is no terminal to ask at", hint="Run it in a terminal; answers can't come through a pipe."
            )
        return AnswerReader(sys.stdin.fileno(), self._write, self._redraw)

    def _write(self, text: str) -> None:
        self._terminal.write(plain(text) if self._ascii_only else text)
        self._terminal.flush()


def _next_with(wanted: str, lines: Sequence[Text | str], top: int) -> int | None:
    """Return the next line below `top` that contains the text, wrapping around to the first line; None if none does."""
    texts = [(line if isinstance(line, str) else line.plain).lower() for line in lines]
    order = [*range(top + 1, len(texts)), *range(top + 1)]
    return next((number for number in order if wanted and wanted.lower() in texts[number]), None)
