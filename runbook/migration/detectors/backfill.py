"""Rows that are filled in the file that locks their table."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.data import fills_new_columns, rows_of
from runbook.migration.detectors.registry import detects_in_file
from runbook.migration.detectors.where import leaves_rows_out
from runbook.migration.finding import Hit
from runbook.migration.lock_kinds import locks_of
from runbook.migration.locks import Mode
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, constant, walk

__all__: list[str] = []


@detects_in_file("backfill-under-lock")
def find_backfill(migration: Migration) -> Iterator[Hit]:
    """Report an UPDATE or DELETE of many rows while the file has already locked their table."""
    locked: dict[Name, Mode] = {}
    for statement in migration.statements:
        if statement.kind in {"UpdateStmt", "DeleteStmt"}:
            table = migration.table_of(statement)
            where = statement.node.get("whereClause")
            if table in locked and _is_large(statement, table, migration) and not _is_one_row(where):
                message = (
                    f"{locked[table].words} on {table} is taken above and blocks {locked[table].blocks} until this has"
                    " changed all its rows"
                )
                yield Hit(statement.start, message)
        for each in locks_of(statement):
            table = migration.resolve(each.on, statement)
            if each.lock.mode is Mode.ACCESS_EXCLUSIVE and not migration.is_new_table(table, statement):
                locked.setdefault(table, each.lock.mode)


def _is_large(statement: Statement, table: Name, migration: Migration) -> bool:
    """Whether a statement changes rows that no other rule reports: some of them, or all in new columns."""
    is_some = leaves_rows_out(statement.node.get("whereClause"), rows_of(statement.node, statement, migration))
    return is_some or fills_new_columns(statement.node, table, statement, migration)


def _is_one_row(where: Node | None) -> bool:
    """Whether a WHERE compares a column with a constant, or with a few of them."""
    for kind, node in walk(where):
        if kind == "A_Expr" and node.get("kind") in {"AEXPR_OP", "AEXPR_IN"}:
            operator = node.get("name", [{}])[0].get("String", {}).get("sval")
            right = node.get("rexpr")
            values = right.get("List", {}).get("items", [right]) if isinstance(right, dict) else [right]
            if operator == "=" and all(constant(each) is not None for each in values):
                return True
    return False
