"""The modes of the operator's terminal. A program may leave them changed, which would garble later output."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TextIO

from runbook.streams import terminal_of

__all__ = ["PASTE_MARKS_OFF", "PASTE_MARKS_ON", "knows_sequences", "reset_modes"]

PASTE_MARKS_ON, PASTE_MARKS_OFF = "\x1b[?2004h", "\x1b[?2004l"
"""Turn bracketed paste mode on and off: the terminal puts pasted text between marks."""

_SCREEN = "\x0f\x1b(B\x1b)B\x1b[?1047l\x1b[?69l\x1b7\x1b[r\x1b8"
"""The normal character set, the main screen, no scroll region or margins. The cursor keeps its place."""
_WRITING = "\x1b[?7h\x1b[4l\x1b[20l\x1b[?5l\x1b[?25h"
"""Lines wrap, text overwrites, a line feed is only a line feed, colours aren't swapped, the cursor is visible."""
_KEYS = "\x1b[?1l\x1b>\x1b[>4;0m" + "".join(
    f"\x1b[?{mode}l" for mode in (9, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 2004)
)
"""Keys send their usual codes; the mouse, a change of focus and a paste send nothing extra."""
_STYLE = "\x1b[0m"


def knows_sequences() -> bool:
    """Return whether to send escape sequences to the terminal; one that doesn't know them would show them."""
    return os.environ.get("TERM", "dumb") not in {"", "dumb", "unknown"}


def reset_modes(stream: TextIO) -> None:
    """Set the modes that lines of text need on the terminal behind a stream, if it knows escape sequences."""
    terminal = terminal_of(stream)
    with suppress(OSError, ValueError):  # the terminal is gone
        if terminal.isatty() and knows_sequences():
            terminal.write(_SCREEN + _WRITING + _KEYS + _STYLE)
            terminal.flush()
