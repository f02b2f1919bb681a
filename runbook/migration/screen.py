"""What a report is printed on: a terminal with its width and colors, or a file."""

from __future__ import annotations

import os
from typing import NamedTuple, TextIO

__all__ = ["PLAIN", "Screen", "screen_of"]

_NARROWEST = 40
_WIDEST = 120
"""Longer lines are hard to read."""
_MARGIN = 4
"""A walk shows the lines of a command again, each behind a mark of this width."""


class Screen(NamedTuple):
    """How wide lines may be, 0 for as long as they are, and whether colors are shown."""

    width: int = 0
    has_color: bool = False

    def paint(self, text: str, style: str) -> str:
        """Return a text in one of STYLES."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.has_color and text else text


PLAIN = Screen()

STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "notice": "1;36",
    "waived": "1;32",
    "place": "1",
    "quiet": "2",
}
"""Escape codes by what they are for. A word always repeats what a color says."""


def screen_of(stream: TextIO) -> Screen:
    """Return what a stream shows. Only a terminal has a width, and colors unless NO_COLOR or TERM=dumb is set."""
    try:
        if not stream.isatty():
            return PLAIN
        width = os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return PLAIN
    has_color = not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    return Screen(min(max(width - _MARGIN, _NARROWEST), _WIDEST), has_color)
