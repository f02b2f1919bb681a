"""Rows of the journal's SQLite file as they are, damaged or not: no value is trusted to be of its column's type."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from runbook.journal.chain import Head, Link

__all__ = ["DAMAGE", "HEAD", "LINK", "head_of", "link_of", "text_of"]

DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file raises; the second where SQLite's own message quotes bytes that are no UTF-8."""
# As bytes: SQLite's driver fails at text that is no UTF-8, and with it at the whole query.
LINK = ", ".join(
    f"cast(events.{name} as blob)" if name in {"run", "at", "body", "hash"} else f"events.{name}"
    for name in ("sequence", "run", "number", "at", "body", "hash")
)
"""What to select for `link_of`."""
HEAD = "cast(runs.id as blob), runs.events, cast(runs.head as blob), runs.unproven"
"""What to select for `head_of`."""


def link_of(row: Sequence[object]) -> Link:
    """Return an event's row."""
    sequence, run, number, at, body, hashed = row
    return Link(
        run=text_of(run),
        number=_number(number),
        at=text_of(at),
        body=body if isinstance(body, bytes) else b"",
        hash=text_of(hashed),
        sequence=_number(sequence),
    )


def head_of(row: Sequence[object]) -> Head:
    """Return a run's row."""
    run, events, head, unproven = row
    return Head(text_of(run), _number(events), text_of(head), _number(unproven))


def text_of(value: object) -> str:
    """Return a value as text; each byte that is no UTF-8 is shown by its number."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1
