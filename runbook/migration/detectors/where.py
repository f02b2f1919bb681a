"""Say whether a WHERE can leave rows out, as far as that can be seen without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from runbook.migration.detectors.common import is_true
from runbook.migration.syntax_tree import Name, Node, calls_in, constant, last_name, names_in, relation_name, walk

__all__ = ["Rows", "leaves_rows_out"]

_ALWAYS_SET = frozenset({"id", "created_at"})
"""Columns that have a value in every row, by custom."""
_NO_KEY = frozenset({"", "0", "-1", "00000000-0000-0000-0000-000000000000"})
"""Values that no row has as its key. `id <> 0` is how client libraries delete every row."""


class Rows(NamedTuple):
    """The rows that an UPDATE or DELETE goes through: their table, its names in the statement, and other relations."""

    table: Name
    names: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    is_required: Callable[[str], bool] = lambda _column: False


def leaves_rows_out(where: Node | None, rows: Rows) -> bool:
    """Whether some rows may not meet a condition."""
    if where is None or is_true(where):
        return False
    if constant(where) is False or constant(where) == 0:
        return True
    if "BoolExpr" in where:
        parts = where["BoolExpr"].get("args", ())
        match where["BoolExpr"].get("boolop"):
            case "AND_EXPR":
                return any(leaves_rows_out(each, rows) for each in parts) and not _is_unjoined(where, rows)
            case "OR_EXPR":
                return all(leaves_rows_out(each, rows) for each in parts)
    if _is_always_set(where, rows) or _is_every_key(where) or _is_everything(where, rows):
        return False
    return _names_a_column(where) and not _is_unjoined(where, rows)


def _names_a_column(where: Node) -> bool:
    """Whether a condition depends on the row. One that doesn't is true for all rows or for none."""
    if any(kind in {"ColumnRef", "CurrentOfExpr", "ParamRef"} for kind, _ in walk(where)):
        return True
    return any(name.name in {"random", "gen_random_uuid"} for name, _ in calls_in(where)) or _compares_unlike(where)


def _compares_unlike(where: Node) -> bool:
    """Whether a condition compares two constants, and is false."""
    inner = where.get("A_Expr", {})
    left, right = constant(inner.get("lexpr")), constant(inner.get("rexpr"))
    return None not in (left, right)


def _column(node: object) -> str:
    fields = node.get("ColumnRef", {}).get("fields", []) if isinstance(node, dict) else []
    return last_name(fields) if fields else ""


def _is_always_set(where: Node, rows: Rows) -> bool:
    test = where.get("NullTest", {})
    column = _column(test.get("arg"))
    is_set = bool(column) and (column in _ALWAYS_SET or rows.is_required(column))
    return test.get("nulltesttype") == "IS_NOT_NULL" and is_set


def _is_every_key(where: Node) -> bool:
    """Whether a condition only leaves a key out that no row has, or takes every text."""
    inner = where.get("A_Expr", {})
    column, value = _column(inner.get("lexpr")), constant(inner.get("rexpr"))
    operator = last_name(inner.get("name", [])) if inner.get("name") else ""
    if inner.get("kind") in {"AEXPR_LIKE", "AEXPR_ILIKE"}:
        return bool(column) and operator in {"~~", "~~*"} and value in {"%", "%%"}
    if column != "id" or value is None:
        return False
    is_low = isinstance(value, int) and value <= 0
    return (operator in {"<>", "!="} and str(value) in _NO_KEY) or (operator in {">", ">="} and is_low)


def _is_everything(where: Node, rows: Rows) -> bool:
    """Whether a condition only looks for the row in its own table, or for anything anywhere."""
    link = where.get("SubLink", {})
    query = link.get("subselect", {}).get("SelectStmt", {})
    if not query or {"whereClause", "limitCount", "havingClause", "intersect"} & set(query):
        return False
    if query.get("op", "SETOP_NONE") != "SETOP_NONE":
        return False
    sources = [each.get("RangeVar") for each in query.get("fromClause", ())]
    is_own = len(sources) == 1 and bool(sources[0]) and relation_name(sources[0] or {}).name == rows.table.name
    if link.get("subLinkType") == "EXISTS_SUBLINK":
        return not sources or is_own
    targets = [each.get("ResTarget", {}).get("val") for each in query.get("targetList", ())]
    return (
        link.get("subLinkType") == "ANY_SUBLINK"
        and is_own
        and len(targets) == 1
        and _column(link.get("testexpr")) == _column(targets[0]) != ""
    )


def _is_unjoined(where: Node, rows: Rows) -> bool:
    """Whether a condition speaks of the other relations alone, so that each row meets it or none does."""
    if not rows.others:
        return False
    columns = [*_columns_outside(where)]
    return bool(columns) and all(len(each) > 1 and each[-2] in rows.others for each in columns)


def _columns_outside(where: Node) -> Iterator[tuple[str, ...]]:
    for kind, node in walk(where):
        if kind == "SubLink":
            yield ("",)  # may look at the row: nothing is sure
        if kind == "ColumnRef":
            yield names_in(node.get("fields", []))
