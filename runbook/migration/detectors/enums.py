"""Enums: a value that is used in the file that adds it, and one that is renamed."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import commands
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.known import column_type
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, last_name, name_in, walk

__all__: list[str] = []


@detects("enum-value-used", "AlterEnumStmt")
def find_used(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report the first use of an enum's value in the file that adds it."""
    value = statement.node.get("newVal", "")
    name = name_in(statement.node["typeName"])
    if "oldVal" in statement.node or not value or migration.is_new("type", name, statement):
        return
    for later in migration.statements[migration.order_of(statement) + 1 :]:
        if later.kind in {"AlterEnumStmt", "CreateFunctionStmt", "CommentStmt", "DoStmt"}:
            continue
        others = _compared_with_others(later, name.name, migration)
        for kind, node in walk({later.kind: later.node}):
            is_value = kind == "A_Const" and node.get("sval", {}).get("sval") == value
            if is_value and node.get("location") not in others:
                message = (
                    f"'{value}' can't be used before the file that adds it is committed: the push fails with 55P04"
                )
                yield Hit(later.at(node.get("location")), message)
                return


def _compared_with_others(statement: Statement, enum: str, migration: Migration) -> set[int]:
    """Return where a statement compares constants with columns that are known to have another type."""
    found: set[int] = set()
    if "relation" not in statement.node:
        return found
    table = migration.table_of(statement)
    for node in statement.nodes.get("A_Expr", ()):
        fields = (node.get("lexpr") or {}).get("ColumnRef", {}).get("fields", [])
        column = _type_of(table, last_name(fields), migration) if fields else ""
        if column and column != enum:
            found |= {each["location"] for kind, each in walk(node.get("rexpr")) if kind == "A_Const"}
    return found


def _type_of(table: Name, column: str, migration: Migration) -> str:
    """Return the name of a column's type as an earlier file or this one gives it, "" if none does."""
    if known := migration.known.columns.get((table, column)):
        return known.name
    for statement in migration.of_kind("AlterTableStmt"):
        for each in commands(statement, migration, "AT_AddColumn"):
            if each.table == table and each.definition.get("colname") == column:
                return column_type(each.definition).name
    return ""


@detects("rename-enum-value", "AlterEnumStmt")
def find_renamed(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a value that is renamed under running code."""
    if "oldVal" in statement.node and not migration.is_new("type", name_in(statement.node["typeName"]), statement):
        old, new = statement.node["oldVal"], statement.node.get("newVal", "")
        yield Hit(
            statement.find("rename"), f"running code still writes and compares '{old}', which is '{new}' from now on"
        )
