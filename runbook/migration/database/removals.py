"""What DROP statements drop, and what statements about rows need. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runbook.migration.database.change import Act, Change, Reader, Words, argument_types
from runbook.migration.syntax_tree import Name, last_name, name_in

__all__ = ["REMOVALS"]


def _drop(words: Words) -> Iterator[Change]:
    node = words.node
    kind = _DROPPED.get(node.get("removeType", ""))
    more: dict[str, Any] = {"lenient": bool(node.get("missing_ok")), "cascade": node.get("behavior") == "DROP_CASCADE"}
    for each in node.get("objects", ()) if kind else ():
        if kind in {"trigger", "policy"}:
            items = each.get("List", {}).get("items", [])
            yield words.named(Act.NEEDS, "relation", items[:-1], lenient=more["lenient"])
            yield words.part(Act.DROPS, kind, last_name(items), of=words.resolved(name_in(items[:-1])), **more)
        elif kind == "function":
            function = each["ObjectWithArgs"]
            yield words.named(Act.DROPS, kind, function.get("objname", []), types=argument_types(function), **more)
        elif kind in {"schema", "extension"}:
            name = last_name(each)
            yield Change(Act.DROPS, kind, Name("", name), words.statement.find(name), **more)
        elif kind:
            yield words.named(Act.DROPS, kind, each, **more)


_DROPPED = {
    **dict.fromkeys(("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"), "relation"),
    **dict.fromkeys(("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"), "function"),
    **dict.fromkeys(("OBJECT_TYPE", "OBJECT_DOMAIN"), "type"),
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_POLICY": "policy",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_EXTENSION": "extension",
}


def _rows(words: Words) -> Iterator[Change]:
    node = words.node
    relation = node.get("relation", {})
    own = {each["CommonTableExpr"]["ctename"] for each in node.get("withClause", {}).get("ctes", ())}
    if relation.get("relname") in own:
        return
    yield words.relation(Act.NEEDS, relation)
    written = node.get("cols", ()) if words.statement.kind == "InsertStmt" else node.get("targetList", ())
    for each in written:
        if column := each.get("ResTarget", {}).get("name"):
            yield words.part(Act.NEEDS, "column", column)


def _tables(words: Words) -> Iterator[Change]:
    for each in words.node.get("relations", ()):
        yield words.relation(Act.NEEDS, each.get("RangeVar", {}))


def _one_relation(words: Words) -> Iterator[Change]:
    if "relation" in words.node:
        yield words.relation(Act.NEEDS, words.node["relation"])


def _grant(words: Words) -> Iterator[Change]:
    if words.node.get("targtype") == "ACL_TARGET_OBJECT" and words.node.get("objtype") == "OBJECT_TABLE":
        for each in words.node.get("objects", ()):
            yield words.relation(Act.NEEDS, each.get("RangeVar", {}))


REMOVALS: Mapping[str, Reader] = {
    "ClusterStmt": _one_relation,
    "DeleteStmt": _rows,
    "DropStmt": _drop,
    "GrantStmt": _grant,
    "InsertStmt": _rows,
    "LockStmt": _tables,
    "RefreshMatViewStmt": _one_relation,
    "ReindexStmt": _one_relation,
    "TruncateStmt": _tables,
    "UpdateStmt": _rows,
}
"""The reader for DROP, and for each kind of statement that uses tables as they are."""
