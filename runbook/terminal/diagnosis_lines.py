"""Lines that say why a command failed: the error as printed, then the book's entry for it."""

from __future__ import annotations

from runbook.diagnosis import CommandError
from runbook.model import KnownError
from runbook.printable import shortened
from runbook.terminal.lines import Lines, wrap

__all__ = ["known_error_lines", "said_lines"]

_LONGEST = 300
"""The most characters of an error that are shown; it may quote a whole row."""


def said_lines(error: CommandError, width: int) -> Lines:
    """Return the error as the command printed it. `It said` marks the command's words, which may quote anything."""
    lines = wrap(shortened(error.text, _LONGEST), width, first="  It said: ", rest="      ", style="bold")
    return [
        *lines,
        *(wrap(shortened(error.detail, _LONGEST), width, first="      ", style="dim") if error.detail else []),
    ]


def known_error_lines(known: KnownError, width: int) -> Lines:
    """Return what happened, why, and what to do in order."""
    lines = wrap(known.title, width, first="  ", style="bold")
    lines += wrap(known.means, width, first="  ")
    for number, text in enumerate(known.do, start=1):
        lines += wrap(text, width, first=f"  {number}. ")
    return lines
