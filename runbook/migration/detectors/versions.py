"""Syntax that the parser knows and an older PostgreSQL doesn't."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from runbook.migration.context import Migration
from runbook.migration.detectors.registry import detects_in_file
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.model.migration_settings import NEWEST_POSTGRES

__all__: list[str] = []


class _Newer(NamedTuple):
    """Something that came with a major version: its words, and its place."""

    major: int
    words: str
    offset: int


_NODES: Mapping[str, tuple[int, str]] = {
    "JsonObjectConstructor": (16, "JSON_OBJECT"),
    "JsonArrayConstructor": (16, "JSON_ARRAY"),
    "JsonIsPredicate": (16, "IS JSON"),
    "JsonTable": (17, "JSON_TABLE"),
    "JsonFuncExpr": (17, "JSON_EXISTS, JSON_QUERY and JSON_VALUE"),
    "JsonParseExpr": (17, "JSON()"),
    "JsonScalarExpr": (17, "JSON_SCALAR"),
    "JsonSerializeExpr": (17, "JSON_SERIALIZE"),
    "MergeSupportFunc": (17, "MERGE_ACTION"),
}
_FUNCTIONS: Mapping[str, int] = {
    **dict.fromkeys(("any_value", "array_shuffle", "array_sample", "pg_input_is_valid"), 16),
    **dict.fromkeys(("to_bin", "to_oct", "uuid_extract_timestamp", "uuid_extract_version"), 17),
}
_SETTINGS: Mapping[str, int] = {"transaction_timeout": 17, "event_triggers": 17, "scram_iterations": 16}


@detects_in_file("newer-postgres")
def find_newer(migration: Migration) -> Iterator[Hit]:
    """Report what needs a newer PostgreSQL than the team's settings name."""
    own = migration.settings.postgres
    if own >= NEWEST_POSTGRES:
        return
    for statement in migration.statements:
        for each in _newer_in(statement):
            if each.major > own:
                yield Hit(each.offset, f"{each.words} came with PostgreSQL {each.major}, and the database has {own}")


def _newer_in(statement: Statement) -> Iterator[_Newer]:
    for kind, (major, words) in _NODES.items():
        for node in statement.nodes.get(kind, ()):
            place = node.get("location", node.get("output", {}).get("location"))
            yield _Newer(major, words, statement.at(place))
    for name, node in statement.calls:
        if name.name in _FUNCTIONS:
            yield _Newer(_FUNCTIONS[name.name], f"{name.name}()", statement.at(node.get("location")))
    if "AT_SetExpression" in statement.parts:
        yield _Newer(17, "SET EXPRESSION", statement.find("expression"))
    if statement.kind == "VariableSetStmt" and statement.node.get("name") in _SETTINGS:
        name = statement.node["name"]
        yield _Newer(_SETTINGS[name], f"the setting {name}", statement.find(name))
    for each in statement.node.get("privileges", ()) if statement.kind == "GrantStmt" else ():
        if each.get("AccessPriv", {}).get("priv_name") == "maintain":
            yield _Newer(17, "MAINTAIN", statement.find("maintain"))
    if statement.kind == "GrantRoleStmt" and any(
        each.get("DefElem", {}).get("defname") in {"inherit", "set"} for each in statement.node.get("opt", ())
    ):
        yield _Newer(16, "GRANT … WITH INHERIT or SET", statement.find("with"))
    yield from _newer_merge(statement)


def _newer_merge(statement: Statement) -> Iterator[_Newer]:
    if statement.kind == "MergeStmt":
        if "returningList" in statement.node:
            yield _Newer(17, "RETURNING of MERGE", statement.find("returning"))
        clauses = (each.get("MergeWhenClause", {}) for each in statement.node.get("mergeWhenClauses", ()))
        if any(each.get("matchKind") == "MERGE_WHEN_NOT_MATCHED_BY_SOURCE" for each in clauses):
            yield _Newer(17, "NOT MATCHED BY SOURCE", statement.find("by", "source"))
