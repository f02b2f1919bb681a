"""What a migration's statements need, make and drop, as values that can be compared with a database. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.database.alterations import ALTERATIONS
from runbook.migration.database.change import Change, Words
from runbook.migration.database.creations import CREATIONS
from runbook.migration.database.removals import REMOVALS
from runbook.migration.statements import Statement

__all__ = ["changes_of"]

_READERS = {**CREATIONS, **ALTERATIONS, **REMOVALS}


def changes_of(statement: Statement, migration: Migration) -> Iterator[Change]:
    """Yield what a statement needs, makes and drops, in its order."""
    read = _READERS.get(statement.kind)
    if read is not None:
        yield from read(Words(statement, migration))
