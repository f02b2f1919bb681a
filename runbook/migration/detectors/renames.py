"""Names that running code uses and that change under it."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.locks import describe
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, name_in, relation_name

__all__: list[str] = []

_NOUNS = {
    "OBJECT_TABLE": "table",
    "OBJECT_COLUMN": "column",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "procedure",
    "OBJECT_ROUTINE": "routine",
    "OBJECT_TYPE": "type",
    "OBJECT_DOMAIN": "domain",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_ATTRIBUTE": "attribute",
    "OBJECT_ROLE": "role",
    "OBJECT_FOREIGN_TABLE": "foreign table",
    "OBJECT_PUBLICATION": "publication",
}
"""What code refers to by name. Indexes, constraints, triggers and policies have names that nobody calls."""


@detects("rename", "RenameStmt")
def find_rename(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a name that is changed under running code."""
    node = statement.node
    noun = _NOUNS.get(node.get("renameType", ""))
    if noun is None:
        return
    if "relation" in node:
        table = migration.table_of(statement)
        if migration.is_new_table(table, statement) or migration.is_new("type", table, statement):
            return
        if noun == "table" and any(migration.is_made(kind, table) for kind in ("table", "view")):
            return  # something else has the name from now on
        if noun == "column" and migration.is_made("column", Name("", node.get("subname", "")), table):
            return
        old = f"{table}.{node['subname']}" if "subname" in node and noun in {"column", "attribute"} else str(table)
        lock = f"; it {describe('rename', table)}" if noun in {"table", "column"} else ""
    else:
        target = node.get("object", {})
        name = (
            name_in(target.get("ObjectWithArgs", {}).get("objname") or target) if target else Name("", node["subname"])
        )
        kind = {"procedure": "function", "routine": "function", "domain": "type"}.get(noun, noun)
        if migration.is_made(kind, migration.resolve(name, statement)) or migration.is_new_schema(name.name, statement):
            return
        old, lock = str(name), ""
    yield Hit(
        statement.find("rename"), f"running code still uses the {noun} {old} and fails until it is deployed again{lock}"
    )


@detects("set-schema", "AlterObjectSchemaStmt")
def find_set_schema(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an object that moves to another schema."""
    node = statement.node
    target = node.get("object", {})
    name = (
        relation_name(node["relation"])
        if "relation" in node
        else name_in(target.get("ObjectWithArgs", {}).get("objname") or target)
    )
    name = migration.resolve(name, statement)
    if any(migration.is_new(kind, name, statement) for kind in ("table", "view", "type", "function", "sequence")):
        return
    message = f"running code looks for {name} in its old schema, not in {node['newschema']}, and fails"
    yield Hit(statement.find("set", "schema"), message)
