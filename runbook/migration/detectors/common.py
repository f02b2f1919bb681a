"""What several detectors need: the parts of ALTER TABLE with their words, roles, settings and messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runbook.migration.context import Migration
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, constant, last_name
from runbook.policy.sql_tokens import Token, TokenKind

__all__ = [
    "API_ROLES",
    "Command",
    "commands",
    "commands_on_old",
    "constraints_of",
    "is_true",
    "option",
    "options",
    "role_names",
    "sentence_list",
]

API_ROLES = frozenset({"anon", "authenticated", "public"})
"""The roles of requests that come from outside: anybody, anybody who has signed up, and every role."""


class Command(NamedTuple):
    """One part of an ALTER TABLE, with its words."""

    statement: Statement
    node: Node
    number: int
    table: Name

    @property
    def kind(self) -> str:
        """The parser's name for it."""
        return str(self.node.get("subtype", ""))

    @property
    def name(self) -> str:
        """The column or the constraint that it names."""
        return str(self.node.get("name", ""))

    @property
    def definition(self) -> Node:
        """The column or the constraint that it adds, or the new form of one."""
        inner = self.node.get("def", {})
        return next((each for each in inner.values() if isinstance(each, dict)), {})

    @property
    def column(self) -> str:
        """The column with its table, as messages name it."""
        return f"{self.table}.{self.name}"

    def find(self, *words: str) -> int:
        """Return the offset of these words in it, or its own."""
        rows = _rows(self.statement, self.statement.node.get("relation", {}))
        row = rows[self.number] if self.number < len(rows) else ()
        return self.statement.find(*words, part=row) if row else self.statement.start


def commands(statement: Statement, migration: Migration, *kinds: str) -> Iterator[Command]:
    """Yield the parts of an ALTER TABLE, of these kinds if any is named."""
    if kinds and statement.parts.isdisjoint(kinds):
        return
    table: Name | None = None
    for at, each in enumerate(statement.node.get("cmds", ())):
        node = each.get("AlterTableCmd", {})
        if kinds and node.get("subtype") not in kinds:
            continue
        table = table or migration.table_of(statement)
        yield Command(statement, node, at, table)


def commands_on_old(statement: Statement, migration: Migration, *kinds: str) -> Iterator[Command]:
    """Yield the parts of these kinds, if the statement is about a table that was there before the file, and stays."""
    found = [*commands(statement, migration, *kinds)]
    if found and not migration.is_new_table(found[0].table, statement) and not migration.is_going(found[0].table):
        yield from found


def _rows(statement: Statement, relation: Node) -> list[list[Token]]:
    begin = statement.at(relation.get("location"))
    row = [each for each in statement.tokens if each.start >= begin]
    named = 3 if "schemaname" in relation else 1
    row = row[named:]
    found: list[list[Token]] = [[]]
    depth = 0
    for token in row:
        is_sign = token.kind is TokenKind.SIGN
        if is_sign and token.text in "([":
            depth += 1
        elif is_sign and token.text in ")]":
            depth -= 1
        if is_sign and token.text == "," and depth == 0:
            found.append([])
        elif not (is_sign and token.text in {";", "*"} and depth == 0):
            found[-1].append(token)
    return found


def constraints_of(column: Node) -> list[Node]:
    """Return the constraints in a column's definition."""
    return [each.get("Constraint", {}) for each in column.get("constraints", ())]


def options(nodes: Sequence[Node]) -> dict[str, Node]:
    """Return options by name."""
    return {each["DefElem"]["defname"]: each["DefElem"] for each in nodes if "DefElem" in each}


def option(nodes: Sequence[Node], name: str) -> object:
    """Return the value of a constant option; None without one."""
    found = options(nodes).get(name)
    return None if found is None else constant(found.get("arg"))


def is_true(node: object) -> bool:
    """Whether an expression is true for every row, as far as that can be seen without a database."""
    if not isinstance(node, dict):
        return False
    value = constant(node)
    if value is not None:
        return value is True or (isinstance(value, str) and value.lower() in {"t", "true", "on", "yes", "1"})
    if "BoolExpr" in node:
        parts = node["BoolExpr"].get("args", ())
        match node["BoolExpr"].get("boolop"):
            case "AND_EXPR":
                return all(map(is_true, parts))
            case "OR_EXPR":
                return any(map(is_true, parts))
            case _:
                return _is_false(parts[0])
    return _is_equal_to_itself(node.get("A_Expr", {}))


def _is_false(node: Node) -> bool:
    if constant(node) is False:
        return True
    inner = node.get("A_Expr", {})
    left, right = constant(inner.get("lexpr")), constant(inner.get("rexpr"))
    return last_name(inner.get("name", [])) == "=" and None not in (left, right) and left != right


def _is_equal_to_itself(inner: Node) -> bool:
    operator = last_name(inner.get("name", [])) if inner.get("name") else ""
    left, right = inner.get("lexpr"), inner.get("rexpr")
    if inner.get("kind") == "AEXPR_NOT_DISTINCT" or operator in {"=", ">=", "<="}:
        return left is not None and _plain(left) == _plain(right)
    first, second = constant(left), constant(right)
    if operator in {"<>", "!="} and None not in (first, second):
        return first != second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return (operator == "<" and first < second) or (operator == ">" and first > second)
    return False


def _plain(value: object) -> object:
    """Return a part of the tree without places."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name != "location"}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def role_names(nodes: Sequence[Node]) -> list[tuple[str, int]]:
    """Return the roles in a list with their locations. PUBLIC, and no role at all, is `public`."""
    found = []
    for each in nodes:
        spec = each.get("RoleSpec", {})
        kind = spec.get("roletype")
        name = {"ROLESPEC_PUBLIC": "public", "ROLESPEC_CSTRING": spec.get("rolename", "")}.get(kind, str(kind).lower())
        found.append((name, spec.get("location", -1)))
    return found


def sentence_list(names: Sequence[str]) -> str:
    """Return names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
