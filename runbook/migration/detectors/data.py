"""Rows that are lost or overwritten: DELETE, UPDATE, TRUNCATE and MERGE, also inside WITH, and sequences set back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runbook.migration.context import Migration
from runbook.migration.detectors.common import commands_on_old, is_true, options
from runbook.migration.detectors.registry import detects, detects_in_file
from runbook.migration.detectors.where import Rows, leaves_rows_out
from runbook.migration.finding import Hit
from runbook.migration.locks import describe
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, constant, relation_name

__all__: list[str] = []


def changes_in(statement: Statement, kind: str) -> Iterator[Node]:
    """Yield the statement itself if it's of that kind, and each of that kind inside it."""
    if statement.kind == kind:
        yield statement.node
    if statement.kind not in {"CreateFunctionStmt", "RuleStmt"}:
        yield from statement.nodes.get(kind, ()) if statement.mentions("with") else ()


def _old_target(node: Node, statement: Statement, migration: Migration) -> Name | None:
    name = relation_name(node.get("relation", {}))
    made_here = {cte.get("CommonTableExpr", {}).get("ctename") for cte in node.get("withClause", {}).get("ctes", ())}
    if name.name in made_here or migration.is_new_table(name, statement):
        return None
    return migration.resolve(name, statement)


def rows_of(node: Node, statement: Statement, migration: Migration) -> Rows:
    """Return what an UPDATE or DELETE goes through."""
    relation = node.get("relation", {})
    table = migration.resolve(relation_name(relation), statement)
    own = relation.get("alias", {}).get("aliasname") or table.name
    others = [*_aliases(node.get("usingClause", ())), *_aliases(node.get("fromClause", ()))]
    return Rows(
        table,
        frozenset({own}),
        frozenset() if "" in others else frozenset(others),
        lambda column: (table, column) in migration.known.required,
    )


def _aliases(sources: Sequence[Node]) -> Iterator[str]:
    """Yield the names of the relations in a FROM; "" for one without a name."""
    for each in sources:
        if "JoinExpr" in each:
            yield from _aliases([each["JoinExpr"].get("larg", {}), each["JoinExpr"].get("rarg", {})])
        else:
            inner: Node = next(iter(each.values()), {})
            yield inner.get("alias", {}).get("aliasname") or inner.get("relname", "")


def _all_rows(statement: Statement, migration: Migration, kind: str) -> Iterator[tuple[Name, Node, str]]:
    """Yield the table of each UPDATE or DELETE of every row, its node, and what is wrong with its WHERE."""
    for node in changes_in(statement, kind):
        where = node.get("whereClause")
        if leaves_rows_out(where, rows_of(node, statement, migration)):
            continue
        table = _old_target(node, statement, migration)
        if table is not None:
            yield table, node, "with a WHERE that every row meets" if where is not None else "without WHERE"


@detects("delete-all-rows", "DeleteStmt", "SelectStmt", "InsertStmt", "UpdateStmt", "MergeStmt", "CreateTableAsStmt")
def find_delete(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a DELETE of every row."""
    for table, node, why in _all_rows(statement, migration, "DeleteStmt"):
        yield Hit(statement.at(node["relation"].get("location")), f"DELETE {why} removes every row of {table}")


@detects("update-all-rows", "UpdateStmt", "SelectStmt", "InsertStmt", "DeleteStmt", "MergeStmt", "CreateTableAsStmt")
def find_update(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an UPDATE of every row, unless it only fills columns that the file has added."""
    for table, node, why in _all_rows(statement, migration, "UpdateStmt"):
        if not fills_new_columns(node, table, statement, migration):
            message = f"UPDATE {why} overwrites every row of {table} and locks all of them until the file ends"
            yield Hit(statement.at(node["relation"].get("location")), message)


def fills_new_columns(node: Node, table: Name, statement: Statement, migration: Migration) -> bool:
    """Whether an UPDATE sets nothing but columns that the file added before."""
    columns = [each.get("ResTarget", {}).get("name", "") for each in node.get("targetList", ())]
    return bool(columns) and all(migration.is_new("column", Name("", each), statement, table) for each in columns)


@detects("update-all-rows", "InsertStmt")
def find_upsert(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a table that is inserted into itself, with ON CONFLICT DO UPDATE for every row."""
    node = statement.node
    query = node.get("selectStmt", {}).get("SelectStmt", {})
    names = [relation_name(each.get("RangeVar", {})) for each in query.get("fromClause", ())]
    sources = [migration.resolve(each, statement) for each in names]
    is_update = node.get("onConflictClause", {}).get("action") == "ONCONFLICT_UPDATE"
    table = _old_target(node, statement, migration)
    is_whole = not {"whereClause", "limitCount"} & set(query) and "whereClause" not in node.get("onConflictClause", {})
    if (
        table is not None
        and is_update
        and is_whole
        and [migration.resolve(one, statement) for one in sources] == [table]
    ):
        message = f"every row of {table} conflicts with itself, so DO UPDATE overwrites all of them"
        yield Hit(statement.at(node["relation"].get("location")), message)


@detects("update-all-rows", "MergeStmt")
def find_merge_of_all(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a MERGE that joins every row and updates it."""
    node = statement.node
    kinds = {each.get("MergeWhenClause", {}).get("commandType") for each in node.get("mergeWhenClauses", ())}
    table = _old_target(node, statement, migration)
    if table is not None and "CMD_UPDATE" in kinds and is_true(node.get("joinCondition")):
        message = f"MERGE with a condition that every row meets overwrites every row of {table}"
        yield Hit(statement.at(node["relation"].get("location")), message)


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


def _is_first(value: Node) -> bool:
    number = constant(value)
    return isinstance(number, int) and number <= 1


@detects("sequence-reset", "SelectStmt")
def find_setval_to_first(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report setval to the first number."""
    for name, node in statement.calls:
        args = node.get("args", ())
        if name.name == "setval" and len(args) > 1 and _is_first(args[1]):
            sequence = Name("", str(constant(args[0]) or "").rpartition(".")[2])
            made = {key.name.name for key in migration.made("sequence")} | {""}
            if sequence.name not in made or not sequence.name:
                named = sequence.name or "the sequence"
                message = f"setval starts {named} again: it gives numbers that rows already have"
                yield Hit(statement.at(node.get("location")), message)


@detects("sequence-set", "SelectStmt")
def find_setval(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report setval with a constant: the sequence may go back."""
    for name, node in statement.calls:
        args = node.get("args", ())
        if name.name == "setval" and len(args) > 1 and constant(args[1]) is not None and not _is_first(args[1]):
            message = f"setval to {constant(args[1])} may set the sequence back, to numbers that rows already have"
            yield Hit(statement.at(node.get("location")), message)


@detects_in_file("dynamic-sql")
def find_dynamic(migration: Migration) -> Iterator[Hit]:
    """Report each part of a block that can't be seen through."""
    for each in migration.unseen:
        yield Hit(each.offset, each.why)
