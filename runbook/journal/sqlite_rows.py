"""Reads rows of the journal's SQLite file, damaged or not: a value's type may differ from its column's."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from runbook.journal.chain import Head, Link

__all__ = ["DAMAGE", "HEAD", "LINK", "head_of", "link_of", "text_of"]

DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file can raise; the second if SQLite's own message quotes bytes that aren't UTF-8."""
# As bytes: if one text isn't UTF-8, Python's driver fails the whole query.
LINK = ", ".join(
    f"cast(events.{name} as blob)" if name in {"run", "at", "body", "hash"} else f"events.{name}"
    for name in ("sequence", "run", "number", "at", "body", "hash")
)
"""What to select for `link_of`."""
HEAD = "cast(runs.id as blob), runs.events, cast(runs.head as blob), runs.unproven"
"""What to select for `head_of`."""


def link_of(row: Sequence[object]) -> Link:
    """Return the event in a row of `LINK`; if any part is damaged, it can't match its hash."""
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
    """Return the entry of a run in a row of `HEAD`."""
    run, events, head, unproven = row
    return Head(text_of(run), _number(events), text_of(head), _number(unproven))


def text_of(value: object) -> str:
    """Return a value as text, with a hexadecimal escape for each byte that isn't UTF-8."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1
