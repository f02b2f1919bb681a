"""Restore an object to an earlier definition: the statements, what they change, and what must be true afterwards.

Each restorer looks an object up in the migrations (`Catalogue.changes`) and in what the database has. It raises
UsageError if the history has nothing to go back to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runbook.definitions.access import restore_access
from runbook.definitions.catalogue import Catalogue
from runbook.definitions.changes import Change, ObjectName
from runbook.definitions.columns import restore_column
from runbook.definitions.functions import restore_function
from runbook.definitions.objects import restore_gone, restore_index, restore_trigger, restore_view
from runbook.definitions.restoration import Asked, Restoration, refuse_masked, resolve
from runbook.errors import UsageError

__all__ = ["restore"]


def restore(of: str, asked: str, catalogue: Catalogue, *, part: str = "") -> list[Restoration]:
    """Return how to restore the objects that are asked for. Raises UsageError if that isn't possible."""
    found = _found(of, asked, catalogue, part)
    refuse_masked(statement for one in found for statement in one.statements)
    return found


def _found(of: str, asked: str, catalogue: Catalogue, part: str) -> list[Restoration]:
    if of == "migration":
        return _migration(catalogue, asked)
    name = Asked.read(asked)
    match of:
        case "function":
            return [restore_function(catalogue, name)]
        case "access":
            return [restore_access(catalogue, resolve(name, _tables(catalogue), "table"))]
        case "column":
            return [restore_column(catalogue, resolve(name, _tables(catalogue), "table"), part)]
        case "index":
            return [restore_index(catalogue, name)]
        case _:
            return [_any(catalogue, name)]


def _tables(catalogue: Catalogue) -> Iterator[ObjectName]:
    yield from (name for name, relation in catalogue.relations.items() if relation.kind in "rp")
    yield from (change.object for change in catalogue.changes if change.kind == "table")
    yield from (change.table for change in catalogue.changes if change.table is not None)


def _any(catalogue: Catalogue, asked: Asked) -> Restoration:
    """Restore whatever has this name, of the kind that the history mentions last."""
    kinds = {"function", "view", "trigger", "table", "type", "sequence", "domain"}
    about = [one for one in catalogue.changes if one.kind in kinds and one.object.name.lower() == asked.name.lower()]
    about = [one for one in about if asked.schema in {"", one.object.schema}]
    if not about:
        raise UsageError(
            f"no migration mentions a view, trigger, table, type or function called '{asked.name}'",
            hint="Take its definition from git or the local stack, or restore it with the database owner.",
        )
    last = [one for one in about if one.verb in {"create", "drop", "alter"}] or about
    kind = last[-1].kind
    if kind == "function":
        return restore_function(catalogue, asked)
    name = resolve(asked, (one.object for one in about if one.kind == kind), kind)
    if kind == "trigger":
        return restore_trigger(catalogue, [one for one in about if one.kind == kind and one.object == name][-1])
    if kind == "view":
        return restore_view(catalogue, name)
    return restore_gone(catalogue, kind, name)


# --- everything that one migration changed ----------------------------------------------------------------------------


def _migration(catalogue: Catalogue, version: str) -> list[Restoration]:
    """Put back every function, view, trigger and policy that a migration changed and that existed before it."""
    own = [one for one in catalogue.changes if one.version == version]
    if not own:
        raise UsageError(f"the history has no migration {version} that changes functions, views, triggers or policies")
    found: list[Restoration] = []
    notes: list[str] = []
    for one in dict.fromkeys(_restorers(own)):
        try:
            found.append(_before_migration(catalogue, own, one, version))
        except UsageError as error:
            notes.append(f"Not restored: {error.message}")
    if not found:
        raise UsageError(
            f"nothing that migration {version} changed has an earlier version in the history", hint="; ".join(notes)
        )
    found[0].notes += notes
    return found


_Restorer = tuple[str, ObjectName | None, ObjectName, tuple[str, ...] | None]
"""A kind, its table, its name, and the arguments of a function."""


def _before_migration(catalogue: Catalogue, own: Sequence[Change], one: _Restorer, version: str) -> Restoration:
    kind, table, name, arguments = one
    if kind == "function":
        return restore_function(catalogue, Asked(name.schema, name.name, arguments), before=version)
    if kind == "view":
        return restore_view(catalogue, name, before=version)
    if kind == "trigger":
        last = [each for each in own if (each.kind, each.object, each.table) == (kind, name, table)][-1]
        return restore_trigger(catalogue, last, before=version)
    return restore_access(catalogue, name, before=version)


def _restorers(own: Iterable[Change]) -> Iterator[_Restorer]:
    for change in own:
        if change.kind == "function" and change.verb in {"create", "drop"}:
            yield "function", None, change.object, change.arguments
        elif change.kind == "view" and change.verb in {"create", "drop"}:
            yield "view", None, change.object, None
        elif change.kind == "trigger":
            yield "trigger", change.table, change.object, None
        elif change.kind in {"policy", "rls"} and change.table is not None:
            yield "access", change.table, change.table, None
        elif change.verb in {"grant", "revoke"} and change.kind == "table":
            yield "access", change.object, change.object, None
