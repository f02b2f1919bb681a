"""Rows that are lost or overwritten: DELETE, UPDATE, TRUNCATE and MERGE, also inside WITH, and sequences set back."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import commands_on_old, is_true, options
from runbook.migration.detectors.registry import detects, detects_in_file
from runbook.migration.finding import Hit
from runbook.migration.locks import describe
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, calls_in, constant, relation_name, text_of, walk

__all__: list[str] = []


def changes_in(statement: Statement, kind: str) -> Iterator[Node]:
    """Yield the statement itself if it's of that kind, and each of that kind inside it."""
    if statement.kind == kind:
        yield statement.node
    if statement.kind not in {"CreateFunctionStmt", "RuleStmt"}:
        yield from statement.nodes.get(kind, ())


def _old_target(node: Node, statement: Statement, migration: Migration) -> Name | None:
    name = relation_name(node.get("relation", {}))
    made_here = {cte.get("CommonTableExpr", {}).get("ctename") for cte in node.get("withClause", {}).get("ctes", ())}
    if name.name in made_here or migration.is_new_table(name, statement):
        return None
    return migration.resolve(name, statement)


def is_narrow(where: Node | None) -> bool:
    """Whether a WHERE can leave rows out, as far as that can be seen without a database."""
    if where is None or is_true(where):
        return False
    has_column = any(kind in {"ColumnRef", "CurrentOfExpr"} for kind, _ in walk(where))
    return has_column or bool([*calls_in(where)]) or _is_never(where)


def _is_never(where: Node) -> bool:
    return constant(where) is False or constant(where) == 0


def _is_key_test(where: Node | None) -> bool:
    """Whether a WHERE only asks that a column has a value, as `id is not null` does."""
    test = (where or {}).get("NullTest", {})
    fields = test.get("arg", {}).get("ColumnRef", {}).get("fields", [])
    return test.get("nulltesttype") == "IS_NOT_NULL" and bool(fields) and text_of(fields[-1]) in {"id", "created_at"}


def _all_rows(statement: Statement, migration: Migration, kind: str) -> Iterator[tuple[Name, int, bool]]:
    for node in changes_in(statement, kind):
        where = node.get("whereClause")
        if is_narrow(where) and not _is_key_test(where):
            continue
        table = _old_target(node, statement, migration)
        if table is not None:
            yield table, statement.at(node["relation"].get("location")), where is not None


@detects("delete-all-rows", "DeleteStmt", "SelectStmt", "InsertStmt", "UpdateStmt", "MergeStmt", "CreateTableAsStmt")
def find_delete(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a DELETE of every row."""
    for table, offset, has_where in _all_rows(statement, migration, "DeleteStmt"):
        why = "with a WHERE that every row meets" if has_where else "without WHERE"
        yield Hit(offset, f"DELETE {why} removes every row of {table}")


@detects("update-all-rows", "UpdateStmt", "SelectStmt", "InsertStmt", "DeleteStmt", "MergeStmt", "CreateTableAsStmt")
def find_update(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an UPDATE of every row."""
    for table, offset, has_where in _all_rows(statement, migration, "UpdateStmt"):
        why = "with a WHERE that every row meets" if has_where else "without WHERE"
        message = f"UPDATE {why} overwrites every row of {table} and locks all of them until the file ends"
        yield Hit(offset, message)


@detects("truncate", "TruncateStmt")
def find_truncate(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report TRUNCATE."""
    also = " and of every table that refers to it" if statement.node.get("behavior") == "DROP_CASCADE" else ""
    for each in statement.node.get("relations", ()):
        relation = each.get("RangeVar", {})
        table = migration.resolve(relation_name(relation), statement)
        if not migration.is_new_table(table, statement) and relation.get("relpersistence") != "t":
            message = f"TRUNCATE removes every row of {table}{also}; it {describe('truncate', table)}"
            yield Hit(statement.at(relation.get("location")), message)


@detects("merge-deletes", "MergeStmt", "SelectStmt")
def find_merge(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a MERGE that deletes rows."""
    for node in changes_in(statement, "MergeStmt"):
        kinds = [each.get("MergeWhenClause", {}).get("commandType") for each in node.get("mergeWhenClauses", ())]
        table = _old_target(node, statement, migration)
        if "CMD_DELETE" in kinds and table is not None:
            yield Hit(statement.find("delete"), f"MERGE deletes rows of {table} that no WHERE names")


@detects("sequence-reset", "AlterSeqStmt")
def find_restart(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a sequence that restarts."""
    name = migration.resolve(relation_name(statement.node["sequence"]), statement)
    if "restart" in options(statement.node.get("options", ())) and not migration.is_new("sequence", name, statement):
        yield Hit(statement.find("restart"), f"{name} restarts: it may give numbers that rows already have")


@detects("sequence-reset", "AlterTableStmt")
def find_identity_restart(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an identity column that restarts."""
    for command in commands_on_old(statement, migration, "AT_SetIdentity"):
        if "restart" in options(command.node.get("def", {}).get("List", {}).get("items", ())):
            message = f"{command.column} restarts: it may give numbers that rows already have"
            yield Hit(command.find("restart"), message)


@detects("sequence-set", "SelectStmt")
def find_setval(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report setval with a constant: the sequence may go back."""
    for name, node in statement.calls:
        args = node.get("args", ())
        if name.name == "setval" and len(args) > 1 and constant(args[1]) is not None:
            message = f"setval to {constant(args[1])} may set the sequence back, to numbers that rows already have"
            yield Hit(statement.at(node.get("location")), message)


@detects_in_file("dynamic-sql")
def find_dynamic(migration: Migration) -> Iterator[Hit]:
    """Report each part of a block that can't be seen through."""
    for each in migration.unseen:
        yield Hit(each.offset, each.why)
