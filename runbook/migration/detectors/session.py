"""Settings of the session and of the server that outlast a statement, and protection that they switch off."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import commands_on_old
from runbook.migration.detectors.registry import detects, detects_in_file
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import constant

__all__: list[str] = []


def _setting(statement: Statement) -> str:
    return str(statement.node.get("name", "")) if statement.kind == "VariableSetStmt" else ""


@detects("triggers-off", "VariableSetStmt")
def find_replica(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report session_replication_role, which switches triggers and foreign keys off."""
    values = [str(constant(each)).lower() for each in statement.node.get("args", ())]
    if _setting(statement) == "session_replication_role" and values and values != ["origin"]:
        message = "no trigger runs and no foreign key is checked for the rest of the file"
        yield Hit(statement.find("session_replication_role"), message)


@detects("triggers-off", "SelectStmt")
def find_replica_call(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report the same setting by set_config."""
    for name, node in statement.calls:
        args = node.get("args", ())
        values = [constant(each) for each in args[:2]]
        if name.name == "set_config" and values[:1] == ["session_replication_role"] and values[1:] != ["origin"]:
            message = "no trigger runs and no foreign key is checked for the rest of the file"
            yield Hit(statement.at(node.get("location")), message)


@detects("triggers-off", "AlterTableStmt")
def find_disabled_trigger(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a trigger that is switched off."""
    for command in commands_on_old(
        statement, migration, "AT_DisableTrig", "AT_DisableTrigAll", "AT_DisableTrigUser", "AT_DisableRule"
    ):
        which = {"AT_DisableTrigAll": "its foreign keys and every trigger", "AT_DisableTrigUser": "every trigger"}
        said = which.get(command.kind, command.name)
        yield Hit(command.find("disable"), f"writes to {command.table}, of other sessions too, skip {said}")


@detects("triggers-off", "AlterEventTrigStmt")
def find_disabled_event_trigger(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report an event trigger that is switched off."""
    if statement.node.get("tgenabled") == "D":
        yield Hit(statement.find("disable"), f"{statement.node['trigname']} no longer runs for any schema change")


@detects("server-setting", "AlterSystemStmt")
def find_system(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report ALTER SYSTEM."""
    yield Hit(statement.find("system"), "ALTER SYSTEM changes the whole server, and hosted projects refuse it")


@detects("server-setting", "AlterDatabaseSetStmt", "AlterRoleSetStmt")
def find_database_setting(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a setting of PostgreSQL for the whole database, and the API's own settings."""
    name = statement.node.get("setstmt", {}).get("name", "")
    if name.startswith("pgrst."):
        yield Hit(statement.start, f"{name} decides what the API serves, for every request from the next reload on")
    elif statement.kind == "AlterDatabaseSetStmt" and "." not in name:
        message = f"{name or 'every setting'} of the database changes for all its new sessions, the app's too"
        yield Hit(statement.start, message)


@detects("role-setting", "AlterRoleSetStmt", "AlterDatabaseSetStmt")
def find_role_setting(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report another setting of a role, or a setting of the app's own in the database."""
    name = statement.node.get("setstmt", {}).get("name", "")
    is_role = statement.kind == "AlterRoleSetStmt"
    if (is_role or "." in name) and not name.startswith("pgrst."):
        what = "the role" if is_role else "the database"
        yield Hit(
            statement.start, f"{name or 'every setting'} of {what} changes for all its new sessions, the app's too"
        )


@detects("reset-all", "VariableSetStmt", "DiscardStmt")
def find_reset(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report RESET ALL and DISCARD, which drop the file's own timeouts."""
    if statement.kind == "DiscardStmt" or statement.node.get("kind") == "VAR_RESET_ALL":
        yield Hit(statement.start, "from here on, the timeouts and the search_path that this file has set don't count")


@detects_in_file("role-not-reset")
def find_role(migration: Migration) -> Iterator[Hit]:
    """Report a role that is set and not reset: the history row is written as that role."""
    found = None
    for statement in migration.statements:
        if _setting(statement) in {"role", "session_authorization"} and not statement.node.get("is_local"):
            is_reset = statement.node.get("kind") in {"VAR_RESET", "VAR_SET_DEFAULT"}
            values = [str(constant(each)).lower() for each in statement.node.get("args", ())]
            found = None if is_reset or values in (["none"], ["postgres"]) else (statement, values)
    if found is not None:
        statement, values = found
        message = f"the CLI writes the history, and every later file, as {', '.join(values)}"
        yield Hit(statement.start, message)


@detects("empty-search-path", "SelectStmt")
def find_empty_path(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report pg_dump's empty search path."""
    for name, node in statement.calls:
        args = node.get("args", ())
        if (
            name.name == "set_config"
            and len(args) > 1
            and (constant(args[0]), constant(args[1])) == ("search_path", "")
        ):
            yield Hit(
                statement.at(node.get("location")), "names without a schema aren't found for the rest of the file"
            )
