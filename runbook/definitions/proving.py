"""Check whether the database has what a restoration wanted: what matters of each object, not only its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from runbook.definitions.access import policy_differences
from runbook.definitions.catalogue import Catalogue
from runbook.definitions.changes import ObjectName
from runbook.definitions.columns import canonical_type
from runbook.definitions.expressions import words_of
from runbook.definitions.functions import digest
from runbook.definitions.routines import read_routine, same_arguments
from runbook.policy.sql_tokens import tokens

__all__ = ["differences"]


def differences(wanted: Mapping[str, Any], catalogue: Catalogue) -> list[str]:
    """Return what isn't as wanted, in words. The list is empty if all is."""
    return list(_PROVERS[wanted["kind"]](wanted, catalogue))


def _function(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    found = _functions(wanted, catalogue)
    if len(found) != 1:
        yield "it isn't there"
        return
    one = found[0]
    routine = read_routine(list(tokens(one.definition)))
    if wanted["body"] is not None and digest(one.body) != wanted["body"]:
        yield "its body differs"
    if routine.definer != wanted["definer"]:
        yield "SECURITY DEFINER differs"
    if [list(each) for each in routine.settings if "current" not in each] != wanted["settings"]:
        yield "its settings (SET …) differ"
    if wanted.get("owner", one.owner) != one.owner:
        yield f"its owner is {one.owner}"
    if wanted.get("grants", sorted(map(list, one.grants))) != sorted(map(list, one.grants)):
        yield "its grants differ"
    yield from _triggers(wanted["triggers"], catalogue)


def _functions(wanted: Mapping[str, Any], catalogue: Catalogue) -> list[Any]:
    name = ObjectName(wanted["schema"], wanted["name"])
    return [one for one in catalogue.functions if one.object == name and same_arguments(one.types, wanted["types"])]


def _no_function(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    if _functions(wanted, catalogue):
        yield "it is still there"


def _triggers(wanted: Sequence[Sequence[str]], catalogue: Catalogue) -> Iterator[str]:
    there = {(one.table.schema, one.table.name, one.object.name): one.enabled for one in catalogue.triggers}
    for schema, table, name in wanted:
        if (schema, table, name) not in there:
            yield f"trigger {name} on {schema}.{table} isn't there"
        elif there[schema, table, name] == "D":
            yield f"trigger {name} on {schema}.{table} is disabled"


def _trigger(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    yield from _triggers([[wanted["schema"], wanted["table"], wanted["name"]]], catalogue)
    for one in catalogue.triggers:
        if (one.table, one.object.name) == (ObjectName(wanted["schema"], wanted["table"]), wanted["name"]):
            said = set(words_of(tokens(one.definition)))
            missing = [word for word in wanted["words"] if word not in said | _TRIGGER_WORDS]
            if missing:
                yield f"its definition lacks {', '.join(missing)}"


_TRIGGER_WORDS = frozenset({"procedure", "function", "replace", "constraint", "public", "statement", "each", "for"})


def _access(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    table = ObjectName(wanted["schema"], wanted["name"])
    relation = catalogue.relations.get(table)
    if relation is None:
        yield "the table isn't there"
        return
    if relation.rls != wanted["rls"]:
        yield f"row level security is {'on' if relation.rls else 'off'}"
    live = {one.object.name: one for one in catalogue.policies if one.table == table}
    for name, policy in wanted["policies"].items():
        if name not in live:
            yield f"policy {name} isn't there"
        elif wrong := policy_differences(live[name], policy):
            yield f"policy {name} differs in {', '.join(wrong)}"
    yield from (f"policy {name} is still there" for name in wanted["gone"] if name in live)
    has = {(role, privilege.lower()) for role, privilege in relation.grants}
    for role, privilege, is_granted in wanted["grants"]:
        if ((role, privilege) in has) != is_granted:
            yield f"{role} has {'no' if is_granted else 'still'} {privilege}"


def _view(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    relation = catalogue.relations.get(ObjectName(wanted["schema"], wanted["name"]))
    if relation is None:
        yield "it isn't there"
        return
    said = set(words_of(tokens(relation.definition)))
    missing = [word for word in wanted["words"] if word not in said]
    if missing:
        yield f"its definition lacks {', '.join(missing)}"
    if wanted["grants"] and wanted["grants"] != sorted(map(list, relation.grants)):
        yield "its grants differ"


def _table(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    name = ObjectName(wanted["schema"], wanted["name"])
    relation = catalogue.relations.get(name)
    if relation is None:
        yield "it isn't there"
        return
    missing = [column for column in wanted["columns"] if column not in relation.columns]
    yield from (f"column {column} isn't there" for column in missing)
    if relation.rls != wanted["rls"]:
        yield f"row level security is {'on' if relation.rls else 'off'}"
    there = {one.object.name for one in catalogue.policies if one.table == name}
    yield from (f"policy {policy} isn't there" for policy in wanted["policies"] if policy not in there)


def _column(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    relation = catalogue.relations.get(ObjectName(wanted["schema"], wanted["table"]))
    found = relation.columns.get(wanted["name"]) if relation else None
    if found is None:
        yield "it isn't there"
    elif canonical_type(found) != canonical_type(wanted["type"]):
        yield f"its type is {found}"


def _no_constraint(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    relation = catalogue.relations.get(ObjectName(wanted["schema"], wanted["table"]))
    if relation is None or wanted["name"] in relation.constraints:
        yield "it is still there" if relation else "its table isn't there"


def _nullable(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    relation = catalogue.relations.get(ObjectName(wanted["schema"], wanted["table"]))
    if relation is None or wanted["name"] not in relation.columns:
        yield "it isn't there"
    elif wanted["name"] in relation.required:
        yield "it is still NOT NULL"


def _named(wanted: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    if ObjectName(wanted["schema"], wanted["name"]) not in {*catalogue.relations, *catalogue.types}:
        yield "it isn't there"


_PROVERS: Mapping[str, Callable[[Mapping[str, Any], Catalogue], Iterator[str]]] = {
    "function": _function,
    "no function": _no_function,
    "trigger": _trigger,
    "access": _access,
    "view": _view,
    "table": _table,
    "column": _column,
    # Proofs of these two kinds, and some of columns, are written by queries in the book.
    "no constraint": _no_constraint,
    "nullable": _nullable,
    "index": _named,
    "sequence": _named,
    "type": _named,
    "domain": _named,
}
