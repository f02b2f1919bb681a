"""Columns: added with a rewrite, required without a default, changed in type."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import Command, commands_on_old, constraints_of
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.known import ColumnType, column_type
from runbook.migration.locks import describe
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Node, last_name, name_in
from runbook.migration.volatility import SERIAL, volatile_call

__all__: list[str] = []


def _added(statement: Statement, migration: Migration) -> Iterator[tuple[Command, Node]]:
    for command in commands_on_old(statement, migration, "AT_AddColumn"):
        yield command, command.definition


@detects("volatile-default", "AlterTableStmt")
def find_volatile_default(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a new column whose default differs per row."""
    for command, column in _added(statement, migration):
        for each in constraints_of(column):
            if each.get("contype") == "CONSTR_DEFAULT" and (function := volatile_call(each.get("raw_expr"))):
                lock = describe("add-column-rewrite", command.table)
                message = f"the default {function}() of {column['colname']} is computed for each row; it {lock}"
                yield Hit(statement.at(each.get("location")), message)


@detects("serial-column", "AlterTableStmt")
def find_serial(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a serial or identity column that is added to a table with rows."""
    for command, column in _added(statement, migration):
        name = last_name(column.get("typeName", {}).get("names", []))
        lock = describe("add-column-serial", command.table)
        if name in SERIAL:
            place = statement.at(column["typeName"].get("location"))
            yield Hit(place, f"{column['colname']} {name} numbers every row; it {lock}")
        for each in constraints_of(column):
            if each.get("contype") == "CONSTR_IDENTITY":
                place = statement.at(each.get("location"))
                yield Hit(place, f"{column['colname']} as identity numbers every row; it {lock}")


@detects("generated-column", "AlterTableStmt")
def find_expression(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report another expression for a stored generated column."""
    for command in commands_on_old(statement, migration, "AT_SetExpression"):
        lock = describe("change-generated", command.table)
        yield Hit(command.find("set"), f"the stored column {command.name} is computed again for every row; it {lock}")


@detects("check-scan", "AlterTableStmt")
def find_domain(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a new column of a domain with a check, which PostgreSQL makes for every row."""
    for command, column in _added(statement, migration):
        domain = migration.resolve(name_in(column.get("typeName", {}).get("names", [])), statement)
        if domain in migration.known.checked_domains:
            lock = describe("add-column-rewrite", command.table)
            message = f"the domain {domain} of {column['colname']} is checked for every row; it {lock}"
            yield Hit(statement.at(column["typeName"].get("location")), message)


@detects("generated-column", "AlterTableStmt")
def find_generated(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a stored generated column that is added to a table with rows."""
    for command, column in _added(statement, migration):
        for each in constraints_of(column):
            if each.get("contype") == "CONSTR_GENERATED":
                lock = describe("add-column-generated", command.table)
                message = f"the stored column {column['colname']} is computed for every row; it {lock}"
                yield Hit(statement.at(each.get("location")), message)


@detects("required-column", "AlterTableStmt")
def find_required(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a required column without a default: it fails on a table with rows."""
    fills = {"CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"}
    for command, column in _added(statement, migration):
        every = {each.get("contype"): each for each in constraints_of(column)}
        is_serial = last_name(column.get("typeName", {}).get("names", [])) in SERIAL
        required = every.get("CONSTR_NOTNULL") or every.get("CONSTR_PRIMARY")
        if required is not None and not fills & set(every) and not is_serial:
            message = f"{column['colname']} is required and has no default, so this fails if {command.table} has rows"
            yield Hit(statement.at(required.get("location")), message)


@detects("change-type", "AlterTableStmt")
def find_type_change(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a change of type, unless the old type is known and PostgreSQL needn't rewrite the table."""
    for command in commands_on_old(statement, migration, "AT_AlterColumnType"):
        if migration.is_made("column", command.table._replace(schema="", name=command.name), command.table):
            continue
        new, old = column_type(command.definition), migration.known.columns.get((command.table, command.name))
        converts = "raw_default" in command.definition and not _is_plain_cast(command)
        if old and not converts and keeps_rows(old, new):
            if message := _work_without_rewrite(command, migration):
                yield Hit(command.find("type"), message)
            continue
        before = f"from {old} " if old else ""
        lock = describe("change-type", command.table)
        message = f"changing the type of {command.column} {before}to {new} usually {lock}, and values may not fit"
        yield Hit(command.find("type"), message)


def _work_without_rewrite(command: Command, migration: Migration) -> str:
    """Return what PostgreSQL does with the table although its rows stay as they are, "" if nothing."""
    if "collClause" in command.definition:
        lock = describe("change-collation", command.table)
        return f"another collation of {command.column} rebuilds its indexes; it {lock}"
    if (command.table, command.name) in migration.known.checked:
        return f"a check on {command.column} is made again for the new type; it {describe('add-check', command.table)}"
    return ""


def _is_plain_cast(command: Command) -> bool:
    """Whether USING only casts the column itself."""
    expression = command.definition.get("raw_default", {})
    inner = expression.get("TypeCast", {}).get("arg", expression)
    fields = inner.get("ColumnRef", {}).get("fields", [])
    return bool(fields) and last_name(fields) == command.name


def keeps_rows(old: ColumnType, new: ColumnType) -> bool:
    """Whether PostgreSQL changes the type in the catalogue alone."""
    if old.is_array or new.is_array:
        # The elements are converted even where single values needn't be.
        return old == new or (old._replace(modifiers=()) == new and new.name in _LENGTHENED)
    if old == new:
        return True
    longer = not new.modifiers or (bool(old.modifiers) and new.modifiers[0] >= old.modifiers[0])
    if (old.name, new.name) == ("numeric", "numeric"):
        # Another scale would change the stored numbers.
        return longer and (not new.modifiers or new.modifiers[1:] == old.modifiers[1:])
    if old.name == new.name:
        return longer and old.name in _LENGTHENED
    return (old.name, new.name) in {("varchar", "text"), ("text", "varchar")} and not new.modifiers


_LENGTHENED = frozenset({"varchar", "varbit", "timestamp", "timestamptz", "time"})
"""Types for which a larger modifier, or none, needs no rewrite."""


@detects("drop-not-null", "AlterTableStmt")
def find_drop_not_null(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a column that may be NULL from now on."""
    for command in commands_on_old(statement, migration, "AT_DropNotNull"):
        yield Hit(
            command.find("drop"), f"{command.column} may be NULL from now on; code that reads it may not expect that"
        )


@detects("drop-default", "AlterTableStmt")
def find_drop_default(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a default that is dropped and not set again."""
    for command in commands_on_old(statement, migration, "AT_ColumnDefault"):
        is_set_again = any(
            each.get("name") == command.name and "def" in each
            for other in migration.statements
            if other.kind == "AlterTableStmt"
            for each in other.nodes.get("AlterTableCmd", ())
            if each.get("subtype") == "AT_ColumnDefault"
        )
        if "def" not in command.node and not is_set_again:
            also = "fail" if (command.table, command.name) in migration.known.required else "write NULL"
            yield Hit(command.find("drop"), f"without the default, inserts that leave {command.column} out {also}")
