"""Find what was dropped together with an object: the triggers, policies and views that used it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from runbook.definitions.catalogue import Catalogue
from runbook.definitions.changes import Change, ObjectName

__all__ = ["lost_with", "trigger_keys", "trigger_names"]


def lost_with(
    catalogue: Catalogue, name: ObjectName, version: str, uses: Callable[[Change, ObjectName], bool] = Change.mentions
) -> list[Change]:
    """Return what used an object, was never dropped on purpose, and is no longer there.

    A trigger, policy or view that the same migration (`version`) dropped by name counts as lost with it.
    """
    state: dict[tuple[str, ObjectName | None, ObjectName], list[Change]] = {}
    for change in catalogue.changes:
        key = (change.kind, change.table, change.object)
        if change.kind == "table" and change.verb == "drop" and change.object != name:
            state = {one: each for one, each in state.items() if one[1] != change.object}
        if change.kind not in {"trigger", "policy", "view"}:
            continue
        if change.verb == "create":
            state.pop(key, None)
            if uses(change, name):
                state[key] = [change]
        elif change.verb == "alter" and key in state:
            state[key].append(change)
        elif change.verb == "drop" and change.version != version:
            state.pop(key, None)
    there = _there(catalogue)
    return [
        change for key, each in state.items() if key not in there and _has_table(catalogue, key[1], name)
        for change in each
    ]  # fmt: skip


def _has_table(catalogue: Catalogue, table: ObjectName | None, restored: ObjectName) -> bool:
    return table is None or table == restored or table in catalogue.relations


def _there(catalogue: Catalogue) -> set[tuple[str, ObjectName | None, ObjectName]]:
    found: set[tuple[str, ObjectName | None, ObjectName]] = set()
    found |= {("trigger", one.table, one.object) for one in catalogue.triggers}
    found |= {("policy", one.table, one.object) for one in catalogue.policies}
    return found | {("view", None, name) for name, one in catalogue.relations.items() if one.kind in "vm"}


def trigger_keys(changes: Iterable[Change]) -> Iterator[tuple[ObjectName, ObjectName]]:
    """Return table and name of each trigger among these changes."""
    return ((one.table, one.object) for one in changes if one.kind == "trigger" and one.table is not None)


def trigger_names(pairs: Iterable[tuple[ObjectName, ObjectName]]) -> list[list[str]]:
    """Return triggers as a proof names them: schema, table, name."""
    return sorted([table.schema, table.name, trigger.name] for table, trigger in set(pairs))
