"""How a terminal wants things shown: how large it is, in colour or not, in Unicode or plain ASCII."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from runbook.terminal.lines import plain

__all__ = ["Look", "speaks_unicode"]

_SMALLEST = (40, 12)


def speaks_unicode(stream: TextIO) -> bool:
    """Tell whether the stream takes more than ASCII; `TERM=dumb` and `RUNBOOK_ASCII` ask for ASCII alone."""
    if os.environ.get("TERM") == "dumb" or os.environ.get("RUNBOOK_ASCII"):
        return False
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


@dataclass(slots=True)
class Look:
    """Prints lines on one stream. Colour follows `NO_COLOR` and `TERM`; a word always says what a colour says."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    console: Console = field(init=False)
    ascii_only: bool = field(init=False)

    def __post_init__(self) -> None:
        self.console = Console(file=self.stream, highlight=False, emoji=False, markup=False, soft_wrap=True)
        self.ascii_only = not speaks_unicode(self.stream)

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
        return (columns or 80, rows or 24)

    def show(self, lines: Iterable[Text | str]) -> None:
        """Print lines."""
        for line in lines:
            text = Text(line) if isinstance(line, str) else line
            self.console.print(self._in_ascii(text) if self.ascii_only else text, soft_wrap=True)
        self.stream.flush()

    def _in_ascii(self, text: Text) -> Text:
        segments = (segment for segment in text.render(self.console) if isinstance(segment, Segment))
        return Text.assemble(*((plain(part), style or "") for part, style, _ in segments))
