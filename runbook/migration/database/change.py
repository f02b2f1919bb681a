"""What one statement needs, makes or drops, as a value, and the helpers that read it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from runbook.migration.context import Migration
from runbook.migration.known import column_type
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, name_in, relation_name

__all__ = ["Act", "Change", "Reader", "Words", "argument_types", "referenced", "type_names"]


class Act(Enum):
    """What a statement does with an object."""

    NEEDS = auto()
    MAKES = auto()
    DROPS = auto()
    RENAMES = auto()
    """It's gone under this name, and what depends on it follows."""


class Change(NamedTuple):
    """One object that a statement needs, makes or drops."""

    act: Act
    kind: str
    """relation (tables, views, indexes and sequences share their names), column, constraint, trigger, policy, function,
    type, schema or extension."""
    name: Name
    """Its name, or that of its table."""
    offset: int
    part: str = ""
    """Its name if it belongs to a table."""
    lenient: bool = False
    """IF EXISTS, IF NOT EXISTS or OR REPLACE: the statement doesn't fail."""
    replaces: bool = False
    """OR REPLACE, or a temporary table, which hides the other one."""
    cascade: bool = False
    types: tuple[str, ...] | None = None
    """The types of a function's arguments, if the statement names them."""
    as_index: bool = False
    """It's needed as the index of a new constraint on `table`."""
    table: Name | None = None


class Words:
    """A statement with its names resolved."""

    def __init__(self, statement: Statement, migration: Migration) -> None:
        self.statement = statement
        self.node: Node = statement.node
        self._migration = migration

    def resolved(self, name: Name) -> Name:
        """Return a name with its schema."""
        return self._migration.resolve(name, self.statement)

    def relation(self, act: Act, relation: Node, **more: Any) -> Change:
        """Return a change of the relation that a node names."""
        name = self.resolved(relation_name(relation))
        return Change(act, "relation", name, self.statement.at(relation.get("location", 0)), **more)

    def named(self, act: Act, kind: str, nodes: Any, **more: Any) -> Change:
        """Return a change of an object that a list of nodes names."""
        name = name_in(nodes)
        return Change(act, kind, self.resolved(name), self.statement.find(name.name), **more)

    def part(self, act: Act, kind: str, part: str, **more: Any) -> Change:
        """Return a change of something that belongs to the statement's table."""
        table: Name = more.pop("of", None) or self.table
        return Change(act, kind, table, self.statement.find(part), part=part, **more)

    @property
    def table(self) -> Name:
        """The statement's table."""
        return self.resolved(relation_name(self.node.get("relation") or self.node.get("table") or {}))


Reader = Callable[[Words], Iterator[Change]]
"""Reads the statements of one kind."""


def referenced(words: Words, elements: Sequence[Node]) -> Iterator[Change]:
    """Yield the tables that foreign keys in a definition need, besides the statement's own."""
    own = relation_name(words.node.get("relation", {})).name
    for each in elements:
        other = each.get("Constraint", {}).get("pktable")
        if other and other.get("relname") != own:
            yield words.relation(Act.NEEDS, other)


def type_names(nodes: Sequence[Node]) -> tuple[str, ...] | None:
    """Return the names of types as the catalogue has them, None if one isn't known before it runs."""
    if any(each.get("pct_type") for each in nodes):
        return None
    types = [column_type({"typeName": each}) for each in nodes]
    return tuple(f"_{each.name}" if each.is_array else each.name for each in types)


def argument_types(function: Node) -> tuple[str, ...] | None:
    """Return the types of a function's arguments, None if the statement doesn't name them."""
    if function.get("args_unspecified"):
        return None
    return type_names([each.get("TypeName", {}) for each in function.get("objargs", ())])
