"""The modes of the operator's terminal. A program may leave them switched, which would garble what is shown next."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TextIO

from runbook.streams import terminal_of

__all__ = ["PASTE_MARKS_OFF", "PASTE_MARKS_ON", "knows_sequences", "reset_modes"]

PASTE_MARKS_ON, PASTE_MARKS_OFF = "\x1b[?2004h", "\x1b[?2004l"
"""Make the terminal put pasted text between marks (bracketed paste mode), and stop that."""

_SCREEN = "\x0f\x1b(B\x1b)B\x1b[?1047l\x1b[?69l\x1b7\x1b[r\x1b8"
"""The normal character set, the main screen, no scroll region or margins. The cursor keeps its place."""
_WRITING = "\x1b[?7h\x1b[4l\x1b[20l\x1b[?5l\x1b[?25h"
"""Lines wrap, text overwrites, a line feed is only that, colours aren't swapped, the cursor is visible."""
_KEYS = "\x1b[?1l\x1b>\x1b[>4;0m" + "".join(
    f"\x1b[?{mode}l" for mode in (9, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 2004)
)
"""Keys send their usual codes; the mouse, a change of focus and a paste send nothing extra."""
_STYLE = "\x1b[0m"


def knows_sequences() -> bool:
    """Return whether the terminal may be sent escape sequences; one that doesn't know them would show them."""
    return os.environ.get("TERM", "dumb") not in {"", "dumb", "unknown"}


def reset_modes(stream: TextIO) -> None:
    """Set the terminal behind a stream to what lines of text need, if it is one that knows escape sequences."""
    terminal = terminal_of(stream)
    with suppress(OSError, ValueError):  # the terminal is gone
        if terminal.isatty() and knows_sequences():
            terminal.write(_SCREEN + _WRITING + _KEYS + _STYLE)
            terminal.flush()
