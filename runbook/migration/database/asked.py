"""What to ask a database about: everything that the statements of migrations name. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.migration.context import Migration
from runbook.migration.database.change import Act, Change
from runbook.migration.database.changes import changes_of
from runbook.migration.database.facts import Asked, Drop
from runbook.migration.lock_kinds import locks_of
from runbook.migration.syntax_tree import Name

__all__ = ["asked_of", "drop_of"]


def asked_of(migrations: Iterable[Migration]) -> Asked:
    """Return what these migrations name."""
    relations, functions, types, drops = set[Name](), set[Name](), set[Name](), set[Drop]()
    for migration in migrations:
        for statement in migration.statements:
            relations |= {migration.resolve(each.on, statement) for each in locks_of(statement)}
            for change in changes_of(statement, migration):
                if change.kind == "function":
                    functions.add(change.name)
                elif change.kind == "type":
                    types.add(change.name)
                elif change.kind not in {"schema", "extension"}:
                    relations.add(change.name)
                if dropped := drop_of(change):
                    drops.add(dropped)
    return Asked(frozenset(relations), frozenset(functions), frozenset(types), frozenset(drops))


def drop_of(change: Change) -> Drop | None:
    """Return what a change drops or renames, if others may depend on it."""
    if change.act not in {Act.DROPS, Act.RENAMES} or change.kind not in {"relation", "column", "function", "type"}:
        return None
    return Drop(change.kind, change.name, change.part)
