"""What a rule of the database reports, before it gets its level and its place."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Note", "duration", "listed"]

_MOST = 5
"""How many names a message lists."""


class Note(NamedTuple):
    """A rule and a message: at an offset in a migration, or about a path as a whole."""

    rule: str
    message: str
    offset: int = -1
    statement: int = -1
    """The number of the statement in its file."""
    path: str = ""
    """The path that it's about, if that isn't the migration's own."""


def listed(names: list[str]) -> str:
    """Return names as a sentence lists them; a long list is cut."""
    first, rest = names[:_MOST], len(names) - _MOST
    last = f"{rest} more" if rest > 0 else first.pop()
    return " and ".join([", ".join(first), last]) if first else last


def duration(seconds: int) -> str:
    """Return a time as people say it: 5 s, 12 min, 3 h."""
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
