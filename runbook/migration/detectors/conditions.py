"""Say whom the condition of a policy keeps out."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.detectors.common import is_true
from runbook.migration.syntax_tree import Node, constant, last_name, name_in

__all__ = ["admits_signed_out", "asks_for_sign_in", "needs_only_bucket", "needs_only_sign_in"]


def needs_only_sign_in(node: object) -> bool:
    """Whether a condition is true for every row as soon as somebody has signed in."""
    if not isinstance(node, dict):
        return False
    both = node.get("BoolExpr", {})
    match both.get("boolop"):
        case "AND_EXPR":
            return any(map(needs_only_sign_in, both["args"])) and all(
                needs_only_sign_in(each) or is_true(each) for each in both["args"]
            )
        case "OR_EXPR":
            return any(map(needs_only_sign_in, both["args"]))
    test = node.get("NullTest", {})
    if test.get("nulltesttype") == "IS_NOT_NULL":
        return _called(test.get("arg")) == "uid"
    comparison = node.get("A_Expr", {})
    if comparison.get("kind") in {"AEXPR_OP", "AEXPR_IN"} and last_name(comparison.get("name", [])) == "=":
        sides = (comparison.get("lexpr"), comparison.get("rexpr"))
        return any(_called(each) == "role" for each in sides) and "authenticated" in {*_constants(sides)}
    return False


def needs_only_bucket(node: object) -> bool:
    """Whether a condition on storage.objects asks for the bucket and nothing else."""
    if not isinstance(node, dict):
        return False
    both = node.get("BoolExpr", {})
    if both.get("boolop") in {"AND_EXPR", "OR_EXPR"}:
        return all(needs_only_bucket(each) or is_true(each) or needs_only_sign_in(each) for each in both["args"])
    comparison = node.get("A_Expr", {})
    fields = (comparison.get("lexpr") or {}).get("ColumnRef", {}).get("fields", [])
    is_bucket = bool(fields) and last_name(fields) == "bucket_id"
    return is_bucket and any(_constants((comparison.get("rexpr"),)))


def admits_signed_out(node: object) -> bool:
    """Whether a condition is true for everybody who hasn't signed in, such as `auth.uid() is null or …`."""
    if not isinstance(node, dict):
        return False
    both = node.get("BoolExpr", {})
    match both.get("boolop"):
        case "OR_EXPR":
            return any(map(admits_signed_out, both["args"]))
        case "AND_EXPR":
            return all(map(admits_signed_out, both["args"]))
        case "NOT_EXPR":
            return needs_only_sign_in(both["args"][0])
    test = node.get("NullTest", {})
    return test.get("nulltesttype") == "IS_NULL" and _called(test.get("arg")) in {"uid", "jwt", "role"}


def asks_for_sign_in(node: object) -> bool:
    """Whether a part of a condition is that somebody has signed in."""
    if not isinstance(node, dict):
        return False
    parts = node.get("BoolExpr", {}).get("args", ())
    return needs_only_sign_in(node) or any(map(asks_for_sign_in, parts))


def _called(node: object) -> str:
    """Return the function of `auth` that an expression calls, also as `(select auth.uid())`; "" for others."""
    if not isinstance(node, dict):
        return ""
    if "TypeCast" in node:
        return _called(node["TypeCast"].get("arg"))
    query: Node = node.get("SubLink", {}).get("subselect", {}).get("SelectStmt", {})
    targets = query.get("targetList", ())
    if len(targets) == 1 and "fromClause" not in query:
        return _called(targets[0].get("ResTarget", {}).get("val"))
    name = name_in(node.get("FuncCall", {}).get("funcname", []))
    return name.name if name.schema == "auth" else ""


def _constants(nodes: tuple[object, ...]) -> Iterator[object]:
    for node in nodes:
        if isinstance(node, dict):
            for each in node.get("List", {}).get("items", [node]):
                if constant(each) is not None:
                    yield constant(each)
