"""A file is one transaction: what breaks that, and what can't run inside."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import options
from runbook.migration.detectors.registry import detects, detects_in_file
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.policy.sql_tokens import TokenKind

__all__: list[str] = []

_OUTSIDE = {
    "AlterSystemStmt": "ALTER SYSTEM",
    "CreatedbStmt": "CREATE DATABASE",
    "DropdbStmt": "DROP DATABASE",
    "CreateTableSpaceStmt": "CREATE TABLESPACE",
    "DropTableSpaceStmt": "DROP TABLESPACE",
    "CreateSubscriptionStmt": "CREATE SUBSCRIPTION",
    "DropSubscriptionStmt": "DROP SUBSCRIPTION",
}
_SETTINGS = frozenset({"VariableSetStmt", "VariableShowStmt"})


@detects("transaction-statement", "TransactionStmt")
def find_transaction(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report BEGIN, COMMIT, ROLLBACK, SAVEPOINT and PREPARE TRANSACTION in the file itself, each pair once."""
    own = [each for each in migration.of_kind("TransactionStmt") if not each.inside]
    is_end = statement.node.get("kind") == "TRANS_STMT_COMMIT" and own[:1] != [statement]
    if not statement.inside and not is_end:
        words = " ".join(each.text for each in statement.tokens[:2] if each.kind is TokenKind.WORD).upper()
        message = f"{words} splits the file: what a failure leaves behind has no row in the history"
        yield Hit(statement.start, message)


@detects_in_file("must-be-alone")
def find_not_alone(migration: Migration) -> Iterator[Hit]:
    """Report what can't run in a transaction beside another statement, in a DO block or in a function."""
    others = [each for each in migration.parsed.statements if each.kind not in _SETTINGS]
    for statement in migration.statements:
        found = _outside(statement)
        if not found:
            continue
        words, offset = found
        if statement.inside:
            yield Hit(offset, f"{words} can't run in {statement.inside}: it fails with 25001")
        elif len(others) > 1:
            message = f"{words} can't run in the transaction of a file with other statements, and ends its safety"
            yield Hit(offset, message)


def _outside(statement: Statement) -> tuple[str, int] | None:
    """Return what a statement is and its place, if it can't run in a transaction."""
    node, kind = statement.node, statement.kind
    if _is_concurrent(statement):
        words = {"IndexStmt": "CREATE INDEX", "DropStmt": "DROP INDEX", "ReindexStmt": "REINDEX"}
        return f"{words.get(kind, 'DETACH PARTITION')} CONCURRENTLY", statement.find("concurrently")
    is_large = kind == "ReindexStmt" and node.get("kind") in _REINDEXES_MORE
    is_vacuum = kind == "VacuumStmt" and bool(node.get("is_vacuumcmd"))
    if is_large or is_vacuum or kind in _OUTSIDE:
        return _OUTSIDE.get(kind, "VACUUM" if is_vacuum else "REINDEX of more than a table"), statement.start
    return None


_REINDEXES_MORE = frozenset({"REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE"})


def _is_concurrent(statement: Statement) -> bool:
    node = statement.node
    if statement.kind == "ReindexStmt":
        return "concurrently" in options(node.get("params", ()))
    if statement.kind == "AlterTableStmt":
        parts = (each.get("AlterTableCmd", {}).get("def", {}).get("PartitionCmd", {}) for each in node.get("cmds", ()))
        return any(each.get("concurrent") for each in parts)
    return statement.kind in {"IndexStmt", "DropStmt"} and bool(node.get("concurrent"))
