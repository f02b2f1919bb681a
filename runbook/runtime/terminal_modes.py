"""The modes of the operator's terminal, which a program may leave switched for whatever is shown next."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TextIO

from runbook.streams import terminal_of

__all__ = ["reset_modes"]

_SCREEN = "\x0f\x1b(B\x1b)B\x1b[?1047l\x1b[?69l\x1b7\x1b[r\x1b8"
"""Letters for letters, the usual screen, and all of it. Saving the cursor keeps it where it is meanwhile."""
_WRITING = "\x1b[?7h\x1b[4l\x1b[20l\x1b[?5l\x1b[?25h"
"""Lines wrap, text is not inserted, a line feed is one, colours are not swapped, the cursor is seen."""
_KEYS = "\x1b[?1l\x1b>\x1b[>4;0m" + "".join(
    f"\x1b[?{mode}l" for mode in (9, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 2004)
)
"""Keys send what is printed on them; the mouse, the focus and a paste send nothing of their own."""
_STYLE = "\x1b[0m"


def reset_modes(stream: TextIO) -> None:
    """Set the terminal behind a stream to what lines of text need, if there is one that knows how."""
    terminal = terminal_of(stream)
    with suppress(OSError, ValueError):  # the terminal is gone
        if terminal.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            terminal.write(_SCREEN + _WRITING + _KEYS + _STYLE)
            terminal.flush()
