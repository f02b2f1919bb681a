"""Recognize a command's question by its last lines and the local modes of its terminal."""

from __future__ import annotations

import re
import termios
from collections.abc import Sequence

__all__ = ["is_progress", "is_question", "is_yes_no"]

_YES_NO = re.compile(r"\by(?:es)?\b[\W_]{1,8}\bno?\b|\(y\)|\b(?:yes|no)\b[^\n]*\?", re.IGNORECASE)
_ASKS_IN_WHOLE_LINE = re.compile(r"\?\s*\Z|\b(?:press|hit)\b.*\b(?:enter|return|any key)\b", re.IGNORECASE)
_PROGRESS = re.compile(r"(?:\.\.\.|\u2026|\d%)\W*\Z|[\u2800-\u28ff\u25d0-\u25d3]|^\s*[-|/\\]\s*\Z")
"""An ellipsis, a percentage, a spinner."""
_DRAWN = re.compile(r"[\u25c6\u25cf\u25cb\u25c9\u25ef\u276f]")
"""The marks of a choice to make with arrow keys: the Supabase CLI leaves the cursor below it."""
_NEAR = 3
"""How many lines above the cursor belong to the question."""


def is_progress(lines: Sequence[str]) -> bool:
    """Return True if the line at the cursor is unfinished only because the command redraws it while working."""
    return bool(lines) and _PROGRESS.search(lines[-1]) is not None


def is_question(lines: Sequence[str], mode: int) -> bool:
    """Return True if these lines (the last one at the cursor) show that the command waits for an answer."""
    # Raw mode alone doesn't mean a question: a command may use it the whole time.
    if _is_password(mode) or (lines and lines[-1].strip()):
        return True
    written = _near(lines)
    if not mode & termios.ICANON and any(_DRAWN.search(line) or _YES_NO.search(line) for line in written):
        return True
    return bool(written) and _ASKS_IN_WHOLE_LINE.search(written[-1]) is not None


def is_yes_no(lines: Sequence[str], mode: int) -> bool:
    """Return True for a yes-or-no question, where a single key can be the whole answer."""
    return not _is_password(mode) and _YES_NO.search("\n".join(_near(lines))) is not None


def _near(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip()][-_NEAR:]


def _is_password(mode: int) -> bool:
    return bool(mode & termios.ICANON) and not mode & termios.ECHO
