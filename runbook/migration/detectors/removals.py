"""Objects that are dropped: with their rows, or with what the app and its rules rest on."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.bodies import UNSEEN
from runbook.migration.context import Migration
from runbook.migration.detectors.common import commands, commands_on_old
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.locks import describe
from runbook.migration.objects import Key
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name

__all__: list[str] = []


def _dropped(statement: Statement, migration: Migration, *kinds: str) -> Iterator[tuple[Key, int]]:
    """Yield what a DROP drops that the file didn't create before, with its place."""
    if statement.node.get("removeType") not in kinds:
        return
    for key in migration.dropped_by(statement):
        made = migration.is_new(key.kind, key.name, statement, key.table)
        hangs_on_new = key.table is not None and migration.is_new_table(key.table, statement)
        if not made and not hangs_on_new and not migration.was_dropped("table", key.table or key.name, statement):
            yield key, statement.find(key.name.name, after=statement.start + 1)


@detects("drop-table", "DropStmt")
def find_table(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a table that is dropped with its rows."""
    for key, offset in _dropped(statement, migration, "OBJECT_TABLE"):
        yield Hit(offset, f"DROP TABLE removes every row of {key.name}; it {describe('drop-table', key.name)}")


@detects("drop-schema", "DropStmt")
def find_schema(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a schema that is dropped."""
    for key, offset in _dropped(statement, migration, "OBJECT_SCHEMA"):
        what = (
            "with every table in it"
            if statement.node.get("behavior") == "DROP_CASCADE"
            else "and fails if it isn't empty"
        )
        if not migration.is_new_schema(key.name.name, statement):
            yield Hit(offset, f"DROP SCHEMA removes {key.name}, {what}")


@detects("drop-type", "DropStmt")
def find_type(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a type or domain that is dropped."""
    for key, offset in _dropped(statement, migration, "OBJECT_TYPE", "OBJECT_DOMAIN"):
        if not migration.known.uses_type(key.name.name) or _is_renamed_here(key.name.name, migration):
            continue  # the columns that had it are gone or have another
        yield Hit(offset, f"DROP TYPE removes {key.name}; columns and functions that use it go with it or stop working")


def _is_renamed_here(name: str, migration: Migration) -> bool:
    """Whether the file gave a type its name: the way to replace an enum, whose columns have the new one by now."""
    return any(
        each.node.get("newname") == name and each.node.get("renameType") == "OBJECT_TYPE"
        for each in migration.of_kind("RenameStmt")
    )


@detects("drop-view", "DropStmt")
def find_view(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a view that is dropped and not created again."""
    for key, offset in _dropped(statement, migration, "OBJECT_VIEW", "OBJECT_MATVIEW"):
        if not any(migration.is_made(kind, key.name) for kind in ("view", "table")):
            yield Hit(offset, f"code that reads {key.name} fails as soon as the view is gone")


@detects("drop-function", "DropStmt")
def find_function(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a function that is dropped and not created again."""
    for key, offset in _dropped(statement, migration, "OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"):
        has_another = len(migration.known.signatures.get(key.name, ())) > 1
        if not has_another and not migration.is_made("function", key.name) and not migration.drops_callers(key.name):
            yield Hit(offset, f"code, policies and triggers that call {key.name} fail as soon as it is gone")


@detects("drop-trigger", "DropStmt")
def find_trigger(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a trigger that is dropped and not created again."""
    for key, offset in _dropped(statement, migration, "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_EVENT_TRIGGER"):
        is_with_table = key.table is not None and migration.is_dropped("table", key.table)
        if (
            not migration.is_made("trigger", key.name, key.table)
            and not is_with_table
            and not _is_replaced(key, migration)
        ):
            yield Hit(
                offset, f"without {key.name.name}, writes to {key.table or 'the database'} no longer run its function"
            )


def _is_replaced(key: Key, migration: Migration) -> bool:
    return any(made.table == key.table for made in migration.made(key.kind))


@detects("drop-policy", "DropStmt")
def find_policy(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a policy that is dropped while its table is left without one, as far as the folder tells."""
    for key, offset in _dropped(statement, migration, "OBJECT_POLICY"):
        is_with_table = key.table is not None and migration.is_dropped("table", key.table)
        is_in_loop = key.name.name == UNSEEN and any(True for _ in migration.made("policy"))
        if (
            not is_with_table
            and not is_in_loop
            and not _is_replaced(key, migration)
            and not _has_another(key, migration)
        ):
            yield Hit(
                offset, f"rows of {key.table} that {key.name.name} let people reach are out of their reach at once"
            )


def _has_another(key: Key, migration: Migration) -> bool:
    """Whether earlier files gave the table a policy that this file leaves."""
    every = migration.known.relations.policies.get(key.table, ()) if key.table else ()
    return any(not migration.drops("policy", Name("", each), key.table) for each in every)


@detects("drop-sequence", "DropStmt")
def find_sequence(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a sequence that is dropped."""
    for key, offset in _dropped(statement, migration, "OBJECT_SEQUENCE"):
        yield Hit(offset, f"DROP SEQUENCE loses the last number of {key.name}, and inserts that need it fail")


@detects("drop-extension", "DropStmt")
def find_extension(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an extension that is dropped."""
    for key, offset in _dropped(statement, migration, "OBJECT_EXTENSION"):
        yield Hit(offset, f"DROP EXTENSION removes the functions, types and tables of {key.name}")


_OTHERS = {
    "OBJECT_AGGREGATE": "aggregate",
    "OBJECT_CAST": "cast",
    "OBJECT_COLLATION": "collation",
    "OBJECT_FDW": "foreign data wrapper",
    "OBJECT_FOREIGN_SERVER": "server",
    "OBJECT_FOREIGN_TABLE": "foreign table",
    "OBJECT_LANGUAGE": "language",
    "OBJECT_OPCLASS": "operator class",
    "OBJECT_OPERATOR": "operator",
    "OBJECT_OPFAMILY": "operator family",
    "OBJECT_TSCONFIGURATION": "text search configuration",
    "OBJECT_TSDICTIONARY": "text search dictionary",
}


@detects("drop-object", "DropStmt")
def find_other(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report another object that is dropped."""
    for key, offset in _dropped(statement, migration, *_OTHERS):
        noun = _OTHERS[statement.node["removeType"]]
        yield Hit(offset, f"queries and objects that need the {noun} {key.name} fail as soon as it is gone")


@detects("drop-object", "DropRoleStmt", "DropdbStmt", "DropTableSpaceStmt", "DropUserMappingStmt")
def find_global(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report what a migration of one database shouldn't drop."""
    what = {"DropRoleStmt": "a role", "DropdbStmt": "a database", "DropTableSpaceStmt": "a tablespace"}
    said = what.get(statement.kind, "a user mapping")
    yield Hit(statement.start, f"this drops {said}, and everybody who uses it is locked out at once")


@detects("drop-owned", "DropOwnedStmt", "ReassignOwnedStmt")
def find_owned(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report DROP OWNED and REASSIGN OWNED."""
    if statement.kind == "DropOwnedStmt":
        yield Hit(statement.find("owned"), "DROP OWNED removes every table, grant and function of the role")
    else:
        yield Hit(statement.find("owned"), "REASSIGN OWNED gives away every object of the role, and its rights with it")


@detects("drop-cascade", "DropStmt")
def find_cascade(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report CASCADE, which drops what nobody named."""
    if statement.node.get("behavior") != "DROP_CASCADE":
        return
    old = [*_dropped(statement, migration, statement.node.get("removeType", ""))]
    if old and all(key.kind == "function" and migration.drops_callers(key.name) for key, _ in old):
        return
    if old and not all(migration.is_new_schema(key.name.name, statement) for key, _ in old):
        names = ", ".join(str(key.name) for key, _ in old)
        yield Hit(
            statement.find("cascade"), f"CASCADE also drops everything that depends on {names}, without naming it"
        )


@detects("drop-cascade", "AlterTableStmt")
def find_part_cascade(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a column or constraint that is dropped with everything that depends on it."""
    for command in commands_on_old(statement, migration, "AT_DropColumn", "AT_DropConstraint"):
        if command.node.get("behavior") == "DROP_CASCADE":
            message = f"CASCADE also drops the views, policies and keys that depend on {command.column}"
            yield Hit(command.find("cascade"), message)


@detects("drop-column", "AlterTableStmt")
def find_column(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a column that is dropped with its values."""
    if statement.node.get("objtype") == "OBJECT_TYPE":
        return
    for command in commands_on_old(statement, migration, "AT_DropColumn", "AT_DropExpression"):
        if migration.is_made("column", Name("", command.name), command.table):
            continue
        if command.kind == "AT_DropExpression":
            yield Hit(command.find("drop"), f"{command.column} is no longer computed, so its values go stale")
        else:
            yield Hit(
                command.find("drop"), f"the values of {command.column} are gone at once, and code that uses it fails"
            )


@detects("drop-column", "AlterTableStmt")
def find_attribute(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an attribute that a composite type loses."""
    if statement.node.get("objtype") == "OBJECT_TYPE":
        for command in commands(statement, migration):
            if command.kind == "AT_DropColumn" and not migration.is_new("type", command.table, statement):
                yield Hit(command.find("drop"), f"the values of {command.column} are gone at once")


@detects("drop-identity", "AlterTableStmt")
def find_identity(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a column that no longer numbers its rows."""
    for command in commands_on_old(statement, migration, "AT_DropIdentity"):
        yield Hit(command.find("drop"), f"{command.column} no longer gets a number, so inserts fail or write NULL")
