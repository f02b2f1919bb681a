"""Read PostgreSQL's syntax tree as pgparse returns it: names, constants and the nodes below a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

__all__ = [
    "Name",
    "Node",
    "calls_in",
    "constant",
    "last_name",
    "name_in",
    "names_in",
    "relation_name",
    "text_of",
    "walk",
]

Node = dict[str, Any]
"""The fields of one node. A field that has its default value is missing."""


class Name(NamedTuple):
    """A name with its schema, "" if the statement doesn't say."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


def walk(value: Any) -> Iterator[tuple[str, Node]]:
    """Yield each node in a value, with its type, from the outside in. It doesn't recurse: trees can be deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            for name, inner in each.items():
                if isinstance(inner, dict):
                    if name[:1] < "a":  # the types of nodes begin with a capital, the names of fields don't
                        yield name, inner
                    waiting.append(inner)
                elif isinstance(inner, list):
                    waiting.append(inner)
        elif isinstance(each, list):
            waiting.extend(reversed(each))


def text_of(node: Any) -> str:
    """Return the text of a String node, "" for any other."""
    return str(node.get("String", {}).get("sval", "")) if isinstance(node, dict) else ""


def names_in(nodes: Sequence[Any]) -> tuple[str, ...]:
    """Return the texts of a list of String nodes."""
    return tuple(map(text_of, nodes))


def name_in(nodes: Any) -> Name:
    """Return the name that a list of String nodes spells. A longer one has a database or a table in front."""
    if isinstance(nodes, dict):
        nodes = nodes.get("List", {}).get("items") or nodes.get("TypeName", {}).get("names") or [nodes]
    parts = names_in(nodes)
    return Name(parts[-2] if len(parts) > 1 else "", parts[-1] if parts else "")


def last_name(nodes: Any) -> str:
    """Return the last part of a name."""
    return name_in(nodes).name


def relation_name(relation: Node) -> Name:
    """Return the name of a RangeVar."""
    return Name(relation.get("schemaname", ""), relation.get("relname", ""))


def constant(node: Any) -> object:
    """Return the value of a constant as str, int, float or bool; None for anything else, and for NULL."""
    if not isinstance(node, dict):
        return None
    for kind, read in _CONSTANTS.items():
        if kind in node:
            return read(node[kind])
    return None


def _constant_of(inner: Node) -> object:
    for name, (field, read) in _VALUES.items():
        if name in inner:
            return read(inner[name].get(field, 0))
    return None


_VALUES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "sval": ("sval", lambda value: str(value or "")),
    "boolval": ("boolval", bool),
    "ival": ("ival", int),
    "fval": ("fval", float),
}
_CONSTANTS: dict[str, Callable[[Node], object]] = {
    "TypeCast": lambda node: constant(node.get("arg")),
    "String": lambda node: str(node.get("sval", "")),
    "TypeName": lambda node: last_name(node.get("names", [])),  # an option's value that is a plain word, such as `off`
    "Boolean": lambda node: bool(node.get("boolval", False)),
    "Integer": lambda node: int(node.get("ival", 0)),
    "A_Const": _constant_of,
}


def calls_in(value: Any) -> Iterator[tuple[Name, Node]]:
    """Yield each function call in a value, with the function's name."""
    for kind, node in walk(value):
        if kind == "FuncCall":
            yield name_in(node.get("funcname", [])), node
