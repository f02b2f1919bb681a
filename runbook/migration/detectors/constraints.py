"""Constraints: added with a scan under a lock, validated in the same file, dropped."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import Command, commands, commands_on_old, constraints_of
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.locks import describe
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, name_in, relation_name

__all__: list[str] = []


def _added(statement: Statement, migration: Migration, *kinds: str) -> Iterator[tuple[Command, Node]]:
    """Yield the constraints of these kinds that a statement adds to an old table that hasn't got them already."""
    for command in commands_on_old(statement, migration, "AT_AddConstraint"):
        name = command.definition.get("conname")
        is_there = name and (command.table, name) in migration.known.relations.constraints
        if command.definition.get("contype") in kinds and not is_there:
            yield command, command.definition


def _added_with_columns(statement: Statement, migration: Migration, *kinds: str) -> Iterator[tuple[Command, Node]]:
    for command in commands_on_old(statement, migration, "AT_AddColumn"):
        for each in constraints_of(command.definition):
            if each.get("contype") in kinds:
                yield command, each


def _named(constraint: Node) -> str:
    return f" {constraint['conname']}" if "conname" in constraint else ""


@detects("foreign-key-scan", "AlterTableStmt")
def find_foreign_key(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a foreign key that checks every row while writes wait."""
    for command, each in _added(statement, migration, "CONSTR_FOREIGN"):
        other = migration.resolve(relation_name(each["pktable"]), statement)
        if not each.get("skip_validation"):
            lock = describe("add-foreign-key", command.table, other=other)
            yield Hit(statement.at(each.get("location")), f"the foreign key{_named(each)} {lock}")
    for command, each in _added_with_columns(statement, migration, "CONSTR_FOREIGN"):
        # Without a default, a new column is NULL in every row, and PostgreSQL skips the check.
        if any(map(_is_default, constraints_of(command.definition))):
            other = migration.resolve(relation_name(each["pktable"]), statement)
            lock = describe("add-column-checked", command.table)
            message = f"the default is looked up in {other} for every row; it {lock}"
            yield Hit(statement.at(each.get("location")), message)


def _is_default(constraint: Node) -> bool:
    """Whether a constraint of a column is a default other than NULL."""
    expression = constraint.get("raw_expr", {})
    return constraint.get("contype") == "CONSTR_DEFAULT" and not expression.get("A_Const", {}).get("isnull")


@detects("check-scan", "AlterTableStmt")
def find_check(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a check that reads every row while nobody can use the table."""
    for command, each in _added(statement, migration, "CONSTR_CHECK"):
        if not each.get("skip_validation"):
            yield Hit(
                statement.at(each.get("location")), f"the check{_named(each)} {describe('add-check', command.table)}"
            )
    for command, each in _added_with_columns(statement, migration, "CONSTR_CHECK"):
        lock = describe("add-column-checked", command.table)
        yield Hit(statement.at(each.get("location")), f"the check on the new column {lock}")


@detects("check-scan", "AlterDomainStmt")
def find_domain_check(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a check on a domain that reads every table with a column of it."""
    name = migration.resolve(name_in(statement.node["typeName"]), statement)
    each = statement.node.get("def", {}).get("Constraint", {})
    is_checked = statement.node.get("subtype") in {"C", "O"} and not each.get("skip_validation")
    if is_checked and not migration.is_new("type", name, statement):
        place = statement.at(each.get("location")) if each else statement.find("not", "null")
        yield Hit(place, f"this reads every table with a column of the domain {name} while writes to it wait")


@detects("not-null-scan", "AlterTableStmt")
def find_not_null(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report SET NOT NULL, unless a validated check says that there is nothing left to read."""
    for command in commands_on_old(statement, migration, "AT_SetNotNull"):
        if (command.table, command.name) in migration.known.proven | migration.known.required:
            continue
        yield Hit(command.find("set"), f"SET NOT NULL on {command.name} {describe('set-not-null', command.table)}")


@detects("unique-builds-index", "AlterTableStmt")
def find_unique(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a constraint that builds its index while nobody can use the table."""
    kinds = {"CONSTR_UNIQUE": "UNIQUE", "CONSTR_PRIMARY": "PRIMARY KEY", "CONSTR_EXCLUSION": "EXCLUDE"}
    for command, each in _added(statement, migration, *kinds):
        if "indexname" not in each:
            words = kinds[each["contype"]]
            yield Hit(
                statement.at(each.get("location")), f"{words}{_named(each)} {describe('add-unique', command.table)}"
            )
    for command, each in _added_with_columns(statement, migration, "CONSTR_UNIQUE", "CONSTR_PRIMARY"):
        words = kinds[each["contype"]]
        message = f"{words} on the new column {describe('add-column-unique', command.table)}"
        yield Hit(statement.at(each.get("location")), message)


@detects("validate-in-same-file", "AlterTableStmt")
def find_validate(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report VALIDATE in the file that adds the constraint: the first lock lasts until the scan ends."""
    for command in commands_on_old(statement, migration, "AT_ValidateConstraint"):
        if migration.is_made("constraint", Name("", command.name), command.table):
            message = (
                f"{command.name} is added in this file, so its lock on {command.table} lasts while every row is read"
            )
            yield Hit(command.find("validate"), message)


@detects("drop-constraint", "AlterTableStmt")
def find_drop(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a constraint that is dropped and not added again."""
    for command in commands_on_old(statement, migration, "AT_DropConstraint"):
        if migration.is_made("constraint", Name("", command.name), command.table) or _is_replaced(command, migration):
            continue
        column = migration.known.checks.get((command.table, command.name), "")
        if column and (command.table, column) in migration.known.required:
            continue  # NOT NULL says the same
        if _goes_with_column(command, migration):
            continue
        yield Hit(
            command.find("drop"), f"without the constraint {command.name}, {command.table} accepts rows that it refused"
        )


def _goes_with_column(command: Command, migration: Migration) -> bool:
    """Whether the file also drops the column that the constraint is named after, as PostgreSQL names them."""
    column = command.name.removeprefix(f"{command.table.name}_").rpartition("_")[0]
    return bool(column) and migration.drops_column(command.table, column)


_KINDS = {
    "CONSTR_FOREIGN": ("fk", "fkey"),
    "CONSTR_UNIQUE": ("key", "unique", "uniq", "uk"),
    "CONSTR_CHECK": ("check", "chk"),
    "CONSTR_PRIMARY": ("pkey", "pk"),
}
"""Words in the names of constraints, by their kind."""


def _is_replaced(command: Command, migration: Migration) -> bool:
    """Whether the file adds a constraint to the same table: of the same kind, without a name or with a longer one."""
    made = [key for key in migration.made("constraint") if key.table == command.table]
    words = {*command.name.lower().split("_")}
    known = (command.table, command.name) in migration.known.checks
    if words & {*_KINDS["CONSTR_UNIQUE"]} and any(
        each.node.get("unique") and migration.table_of(each) == command.table for each in migration.of_kind("IndexStmt")
    ):
        return True
    for statement in migration.of_kind("AlterTableStmt"):
        for each in commands(statement, migration, "AT_AddConstraint"):
            kind = each.definition.get("contype", "")
            is_same = bool(words & {*_KINDS.get(kind, ())}) or (known and kind == "CONSTR_CHECK")
            if each.table == command.table and is_same:
                return True
    return any(not key.name.name or key.name.name.startswith(command.name) for key in made)
