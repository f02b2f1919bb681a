"""The objects that a statement creates or drops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, last_name, name_in, relation_name

__all__ = ["Key", "created_by", "dropped_by"]

_Resolve = Callable[[Name, Statement], Name]


class Key(NamedTuple):
    """What identifies an object: its kind, its name with a schema, and the table that it hangs on, if any."""

    kind: str
    name: Name
    table: Name | None = None


def created_by(statement: Statement, resolve: _Resolve) -> list[Key]:
    """Return what a statement creates."""
    node = statement.node
    if found := _CREATES.get(statement.kind):
        kind, name_of = found
        name = name_of(node)
        return [Key(kind, resolve(name, statement))] if name.name else []
    if in_database := _CREATES_GLOBAL.get(statement.kind):
        kind, field = in_database
        return [Key(kind, Name("", node.get(field, "")))]
    if on_table := _CREATES_ON_TABLE.get(statement.kind):
        kind, field, relation = on_table
        return [Key(kind, Name("", node[field]), resolve(relation_name(node[relation]), statement))]
    if statement.kind == "IndexStmt":
        table = resolve(relation_name(node["relation"]), statement)
        return [Key("index", Name(table.schema, node.get("idxname", "")))]
    return _added_by(statement, resolve) if statement.kind == "AlterTableStmt" else []


def _added_by(statement: Statement, resolve: _Resolve) -> list[Key]:
    table = resolve(relation_name(statement.node["relation"]), statement)
    found = []
    for each in statement.node.get("cmds", ()):
        command = each.get("AlterTableCmd", {})
        if command.get("subtype") == "AT_AddColumn":
            found.append(Key("column", Name("", command["def"]["ColumnDef"]["colname"]), table))
        if command.get("subtype") == "AT_AddConstraint":
            found.append(Key("constraint", Name("", command["def"]["Constraint"].get("conname", "")), table))
    return found


def _relation(*path: str) -> Callable[[Node], Name]:
    """Return a function that reads the RangeVar at a path of fields."""

    def read(node: Node) -> Name:
        for field in path:
            node = node.get(field, {})
        return relation_name(node)

    return read


def _name(field: str) -> Callable[[Node], Name]:
    return lambda node: name_in(node.get(field, []))


_CREATES: Mapping[str, tuple[str, Callable[[Node], Name]]] = {
    "CreateStmt": ("table", _relation("relation")),
    "CreateForeignTableStmt": ("table", _relation("base", "relation")),
    "CreateTableAsStmt": ("table", _relation("into", "rel")),
    "SelectStmt": ("table", _relation("intoClause", "rel")),
    "ViewStmt": ("view", _relation("view")),
    "CreateEnumStmt": ("type", _name("typeName")),
    "CompositeTypeStmt": ("type", _relation("typevar")),
    "CreateDomainStmt": ("type", _name("domainname")),
    "CreateRangeStmt": ("type", _name("typeName")),
    "DefineStmt": ("type", _name("defnames")),
    "CreateFunctionStmt": ("function", _name("funcname")),
    "CreateSeqStmt": ("sequence", _relation("sequence")),
}
_CREATES_GLOBAL: Mapping[str, tuple[str, str]] = {
    "CreateSchemaStmt": ("schema", "schemaname"),
    "CreateExtensionStmt": ("extension", "extname"),
    "CreatePublicationStmt": ("publication", "pubname"),
}
_CREATES_ON_TABLE: Mapping[str, tuple[str, str, str]] = {
    "CreatePolicyStmt": ("policy", "policy_name", "table"),
    "CreateTrigStmt": ("trigger", "trigname", "relation"),
}


def dropped_by(statement: Statement, resolve: _Resolve) -> list[Key]:
    """Return what a DROP statement drops, in its order."""
    kind = _DROP_KINDS.get(statement.node.get("removeType", ""), "other")
    return [_dropped(kind, each, statement, resolve) for each in statement.node.get("objects", ())]


def _dropped(kind: str, node: Node, statement: Statement, resolve: _Resolve) -> Key:
    if kind in {"trigger", "policy", "rule"}:
        items = node.get("List", {}).get("items", [])
        return Key(kind, Name("", last_name(items)), resolve(name_in(items[:-1]), statement))
    if kind in {"schema", "extension", "publication"}:
        return Key(kind, Name("", last_name(node)))
    if "ObjectWithArgs" in node:
        return Key(kind, resolve(name_in(node["ObjectWithArgs"].get("objname", [])), statement))
    return Key(kind, resolve(name_in(node), statement))


_DROP_KINDS: Mapping[str, str] = {
    "OBJECT_TABLE": "table",
    "OBJECT_FOREIGN_TABLE": "table",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "table",
    "OBJECT_TYPE": "type",
    "OBJECT_DOMAIN": "type",
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_ROUTINE": "function",
    "OBJECT_AGGREGATE": "type",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_INDEX": "index",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_POLICY": "policy",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_RULE": "rule",
    "OBJECT_EXTENSION": "extension",
    "OBJECT_PUBLICATION": "publication",
}
