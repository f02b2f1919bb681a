"""Enums: a value that is used in the file that adds it, and one that is renamed."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import name_in, walk

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
        for kind, node in walk({later.kind: later.node}):
            if kind == "A_Const" and node.get("sval", {}).get("sval") == value:
                message = (
                    f"'{value}' can't be used before the file that adds it is committed: the push fails with 55P04"
                )
                yield Hit(later.at(node.get("location")), message)
                return


@detects("rename-enum-value", "AlterEnumStmt")
def find_renamed(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a value that is renamed under running code."""
    if "oldVal" in statement.node and not migration.is_new("type", name_in(statement.node["typeName"]), statement):
        old, new = statement.node["oldVal"], statement.node.get("newVal", "")
        yield Hit(
            statement.find("rename"), f"running code still writes and compares '{old}', which is '{new}' from now on"
        )
