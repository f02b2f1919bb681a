"""Rules: where the files and the database's history of migrations differ. Pure.

The comparison itself is the book's own (`history: all`): by the SQL, on both majors of the CLI.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from runbook.migration.database.note import Note

__all__ = ["History", "read_history"]

_RULES: Mapping[str, tuple[str, str]] = {
    "edited": ("edited-migration", "it was applied as {version} and edited since: a push never runs the difference"),
    "older": ("out-of-order", "the version {version} isn't in the history, and is older than the newest that is"),
    "missing": ("missing-migration", "the version {version} is in the history, and there is no such file here"),
    "alike": ("missing-migration", "the history has this name as {version}, with other SQL, and no such file is here"),
    "twin": ("applied-elsewhere", "the history has the SQL of this file as {version}: a push would run it again"),
    "unknown": ("unknown-history", "the history has {version} without statements: what it ran isn't known"),
    "unrecorded": ("unknown-history", "the history has {version} without statements to compare this file with"),
    "renamed": ("renamed-migration", "{what}"),
    "repeated": ("duplicate-version", "another file has the version {version}, too, and the history has it"),
    "future": ("future-applied", "the history has the version {version}, which is in the future"),
}
"""The rule and the message for each kind of difference. That the CLI skips a file is found by its name."""


class History(NamedTuple):
    """What the comparison says: the versions that a push would apply, and what is wrong."""

    pending: frozenset[str]
    notes: tuple[Note, ...]


def read_history(rows: Sequence[Mapping[str, Any]], folder: str) -> History:
    """Return what the rows of the comparison say about the files in a folder."""
    pushes = next((str(row["version"] or "") for row in rows if row["finding"] == "pushes"), "")
    pending = frozenset(filter(None, pushes.split(",")))
    return History(pending, tuple(_notes(rows, pending, folder)))


def _notes(rows: Sequence[Mapping[str, Any]], pending: Collection[str], folder: str) -> Iterator[Note]:
    for row in rows:
        # The names of pending files say that, too. An applied one isn't judged by its name any more.
        is_found = row["finding"] == "repeated" and row["version"] in pending
        if row["finding"] in _RULES and not is_found:
            rule, message = _RULES[row["finding"]]
            path = f"{folder}/{row['file']}" if row["file"] else folder
            yield Note(rule, message.format(version=row["version"], what=row["what"]), path=path)
