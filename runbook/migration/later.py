"""What later files in a folder put right: nobody needs to hear of a mistake that is already corrected.

A folder has the history of a schema. What an old file left open and a later one closed is no danger any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from runbook.migration.known import function_settings
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, name_in, relation_name

__all__ = ["Later", "look_ahead"]


@dataclass
class Later:
    """What the files after one do. Names without a schema are in `public`."""

    protected: set[Name] = field(default_factory=set)
    """Tables that get row level security."""
    dropped: set[Name] = field(default_factory=set)
    """Tables, views and functions that are dropped."""
    replaced_functions: set[Name] = field(default_factory=set)
    """Functions that get a search_path, or the caller's rights."""
    replaced_views: set[Name] = field(default_factory=set)
    """Views that are created again. What is wrong with them then is reported there."""
    dropped_policies: set[tuple[Name, str]] = field(default_factory=set)


def look_ahead(files: Iterable[Iterable[Statement]]) -> list[Later]:
    """Return for each file of a folder, given in order, what the ones after it do."""
    found = [Later()]
    for statements in reversed([list(each) for each in files]):
        before = found[-1]
        now = Later(
            protected=set(before.protected),
            dropped=set(before.dropped),
            replaced_functions=set(before.replaced_functions),
            replaced_views=set(before.replaced_views),
            dropped_policies=set(before.dropped_policies),
        )
        for each in reversed(statements):
            _add(now, each)
        found.append(now)
    return found[-2::-1]


def _add(later: Later, statement: Statement) -> None:
    node = statement.node
    match statement.kind:
        case "AlterTableStmt" if "AT_EnableRowSecurity" in statement.parts:
            later.protected.add(_public(relation_name(node["relation"])))
        case "CreateFunctionStmt":
            settings = function_settings(node)
            if settings.search_path or not settings.is_definer:
                later.replaced_functions.add(_public(name_in(node["funcname"])))
        case "AlterFunctionStmt" if function_settings(node).search_path:
            later.replaced_functions.add(_public(name_in(node.get("func", {}).get("objname", []))))
        case "RenameStmt" if node.get("renameType") == "OBJECT_TABLE":
            old = _public(relation_name(node["relation"]))
            for names in (later.protected, later.dropped):
                if old._replace(name=node["newname"]) in names:
                    names.add(old)
        case "ViewStmt":
            later.replaced_views.add(_public(relation_name(node["view"])))
        case "DropStmt":
            _add_drop(later, statement)


def _add_drop(later: Later, statement: Statement) -> None:
    for each in statement.node.get("objects", ()):
        kind = statement.node.get("removeType")
        if kind in {"OBJECT_TABLE", "OBJECT_VIEW"}:
            later.dropped.add(_public(name_in(each)))
        elif "ObjectWithArgs" in each:
            later.dropped.add(_public(name_in(each["ObjectWithArgs"].get("objname", []))))
        elif kind == "OBJECT_POLICY":
            items = each.get("List", {}).get("items", [])
            later.dropped_policies.add((_public(name_in(items[:-1])), name_in(items).name))


def _public(name: Name) -> Name:
    return name if name.schema else Name("public", name.name)
