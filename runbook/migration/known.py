"""What the statements so far have made of a schema: column types, constraints and functions.

It is filled from the earlier files in a folder, and goes on with each statement of the file that is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from runbook.migration.relations import Relations
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, constant, last_name, name_in, relation_name, walk

__all__ = [
    "ColumnType",
    "FunctionSettings",
    "Known",
    "Signature",
    "column_type",
    "function_settings",
    "not_null_column",
    "signature_of",
]


class ColumnType(NamedTuple):
    """A type with its modifiers, such as varchar(20)."""

    name: str
    modifiers: tuple[int, ...] = ()
    is_array: bool = False

    def __str__(self) -> str:
        inside = f"({', '.join(map(str, self.modifiers))})" if self.modifiers else ""
        return f"{self.name}{inside}{'[]' if self.is_array else ''}"


class FunctionSettings(NamedTuple):
    """What CREATE OR REPLACE FUNCTION puts back to its default if it isn't repeated."""

    is_definer: bool = False
    search_path: bool = False


class Signature(NamedTuple):
    """The types of a function's arguments, and how many of them a call must give."""

    types: tuple[str, ...]
    required: int

    def fits_same_call(self, other: Signature) -> bool:
        """Whether there is a call that fits both."""
        least, most = self.shared(other), min(len(self.types), len(other.types))
        return any(self.types[:count] == other.types[:count] for count in range(least, most + 1))

    def shared(self, other: Signature) -> int:
        """Return the fewest arguments that a call of both can have."""
        return max(self.required, other.required)


@dataclass
class Known:
    """A schema as far as statements tell."""

    relations: Relations = field(default_factory=Relations)
    has_history: bool = False
    """Whether there were earlier files."""
    left_types: set[str] = field(default_factory=set)
    """Types that a column had until it was dropped or got another."""
    columns: dict[tuple[Name, str], ColumnType] = field(default_factory=dict)
    required: set[tuple[Name, str]] = field(default_factory=set)
    checks: dict[tuple[Name, str], str] = field(default_factory=dict)
    """Check constraints by table and name, with the column that each keeps from being NULL, or ""."""
    validated: set[tuple[Name, str]] = field(default_factory=set)
    proven: set[tuple[Name, str]] = field(default_factory=set)
    """Columns for which a validated check says that no row has NULL."""
    range_checks: set[Name] = field(default_factory=set)
    """Tables with a validated check that may match a partition's bounds."""
    checked: set[tuple[Name, str]] = field(default_factory=set)
    """Columns that a check constraint reads."""
    checked_domains: set[Name] = field(default_factory=set)
    """Domains with a check or NOT NULL."""
    functions: dict[Name, FunctionSettings] = field(default_factory=dict)
    signatures: dict[Name, set[Signature]] = field(default_factory=dict)

    def learn(self, statement: Statement, resolve: Callable[[Name, Statement], Name]) -> None:
        """Add what a statement changes."""
        node = statement.node
        self._forget(self.relations.learn(statement, resolve))
        match statement.kind:
            case "CreateStmt":
                table = resolve(relation_name(node["relation"]), statement)
                for element in node.get("tableElts", ()):
                    self._learn_element(table, element)
            case "CreateDomainStmt" if _is_checked(node):
                self.checked_domains.add(resolve(name_in(node["domainname"]), statement))
            case "CreateFunctionStmt":
                name = resolve(name_in(node["funcname"]), statement)
                self.functions[name] = function_settings(node)
                self.signatures.setdefault(name, set()).add(signature_of(node))
            case "DropStmt" if node.get("removeType") in {"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"}:
                for each in node.get("objects", ()):
                    name = resolve(name_in(each.get("ObjectWithArgs", {}).get("objname", [])), statement)
                    self.functions.pop(name, None)
                    self.signatures.pop(name, None)
            case "AlterTableStmt":
                table = resolve(relation_name(node["relation"]), statement)
                for each in node.get("cmds", ()):
                    self._learn_command(table, each.get("AlterTableCmd", {}))

    def _forget(self, tables: Sequence[Name]) -> None:
        """Take tables out that have been dropped or renamed, with their columns."""
        for table in tables:
            self.left_types |= {each.name for key, each in self.columns.items() if key[0] == table}
            self.columns = {key: each for key, each in self.columns.items() if key[0] != table}

    def uses_type(self, name: str) -> bool:
        """Whether a column has that type, or may have it: none is known that had it and was changed."""
        return name not in self.left_types or any(each.name == name for each in self.columns.values())

    def _learn_element(self, table: Name, element: Node) -> None:
        if "ColumnDef" in element:
            column = element["ColumnDef"]
            self.columns[table, column["colname"]] = column_type(column)
            for each in column.get("constraints", ()):
                if each["Constraint"]["contype"] in {"CONSTR_NOTNULL", "CONSTR_PRIMARY"}:
                    self.required.add((table, column["colname"]))
                self._learn_constraint(table, each["Constraint"])
        if "Constraint" in element:
            self._learn_constraint(table, element["Constraint"])

    def _learn_constraint(self, table: Name, constraint: Node) -> None:
        if constraint.get("contype") != "CONSTR_CHECK":
            return
        columns = (each.get("fields", ()) for kind, each in walk(constraint.get("raw_expr")) if kind == "ColumnRef")
        self.checked |= {(table, last_name(fields)) for fields in columns}
        key = (table, constraint.get("conname", ""))
        self.checks[key] = not_null_column(constraint.get("raw_expr"))
        if not constraint.get("skip_validation"):
            self._learn_validated(key)

    def _learn_validated(self, key: tuple[Name, str]) -> None:
        self.validated.add(key)
        self.range_checks.add(key[0])
        if column := self.checks.get(key):
            self.proven.add((key[0], column))

    def _learn_command(self, table: Name, command: Node) -> None:
        name = command.get("name", "")
        match command.get("subtype"):
            case "AT_AddColumn":
                self._learn_element(table, command["def"])
            case "AT_DropColumn":
                if before := self.columns.pop((table, name), None):
                    self.left_types.add(before.name)
            case "AT_AlterColumnType":
                if before := self.columns.get((table, name)):
                    self.left_types.add(before.name)
                self.columns[table, name] = column_type(command["def"]["ColumnDef"])
            case "AT_AddConstraint":
                self._learn_constraint(table, command["def"]["Constraint"])
            case "AT_ValidateConstraint":
                self._learn_validated((table, name))
            case "AT_SetNotNull":
                self.required.add((table, name))
            case "AT_DropNotNull":
                self.required.discard((table, name))


def _is_checked(domain: Node) -> bool:
    kinds = {each["Constraint"]["contype"] for each in domain.get("constraints", ())}
    return bool({"CONSTR_CHECK", "CONSTR_NOTNULL"} & kinds)


def column_type(column: Node) -> ColumnType:
    """Return the type in a column's definition."""
    node = column.get("typeName", {})
    modifiers = [constant(each) for each in node.get("typmods", ())]
    return ColumnType(
        last_name(node.get("names", [])),
        tuple(each for each in modifiers if isinstance(each, int)),
        bool(node.get("arrayBounds")),
    )


def not_null_column(expression: Any) -> str:
    """Return the column of `column is not null`, alone or as a part of AND; "" for any other expression."""
    if not isinstance(expression, dict):
        return ""
    test = expression.get("NullTest", {})
    if test.get("nulltesttype") == "IS_NOT_NULL":
        fields = test.get("arg", {}).get("ColumnRef", {}).get("fields", [])
        return last_name(fields) if fields else ""
    both = expression.get("BoolExpr", {})
    if both.get("boolop") == "AND_EXPR":
        return next((found for each in both.get("args", ()) if (found := not_null_column(each))), "")
    return ""


def function_settings(node: Node) -> FunctionSettings:
    """Return whether a CREATE or ALTER FUNCTION sets SECURITY DEFINER and search_path."""
    is_definer = search_path = False
    for each in (*node.get("options", ()), *node.get("actions", ())):
        element = each.get("DefElem", {})
        if element.get("defname") == "security":
            is_definer = constant_bool(element.get("arg"))
        setting = element.get("arg", {}).get("VariableSetStmt", {})
        if element.get("defname") == "set" and setting.get("name") == "search_path":
            search_path = setting.get("kind") in {"VAR_SET_VALUE", "VAR_SET_CURRENT"}
    return FunctionSettings(is_definer, search_path)


def signature_of(node: Node) -> Signature:
    """Return the arguments of a CREATE FUNCTION that a call gives."""
    taken = [each.get("FunctionParameter", {}) for each in node.get("parameters", ())]
    taken = [each for each in taken if each.get("mode") not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"}]
    types = tuple(str(column_type({"typeName": each.get("argType", {})})) for each in taken)
    return Signature(types, sum("defexpr" not in each for each in taken))


def constant_bool(node: Any) -> bool:
    """Return whether a Boolean node is true."""
    return isinstance(node, dict) and bool(node.get("Boolean", {}).get("boolval", False))
