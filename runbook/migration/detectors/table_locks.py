"""Statements whose purpose is a lock or a rewrite, locks on many tables, and timeouts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import commands_on_old, options
from runbook.migration.detectors.registry import detects, detects_in_file
from runbook.migration.finding import Hit
from runbook.migration.lock_kinds import LOCK_TABLE_MODES, TakenLock, locks_of
from runbook.migration.locks import Mode, describe
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import constant, relation_name

__all__: list[str] = []

_REWRITES = {
    "AT_SetLogged": "SET LOGGED",
    "AT_SetUnLogged": "SET UNLOGGED",
    "AT_SetTableSpace": "SET TABLESPACE",
    "AT_SetAccessMethod": "SET ACCESS METHOD",
}
_LONGEST = 60_000
"""In milliseconds: longer than anybody should wait behind a queued lock."""
_MANY = 3


@detects("lock-table", "LockStmt")
def find_lock(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report LOCK TABLE in a mode that blocks others until the file ends."""
    mode = LOCK_TABLE_MODES.get(statement.node.get("mode", 0))
    for each in statement.node.get("relations", ()):
        relation = each.get("RangeVar", {})
        table = migration.resolve(relation_name(relation), statement)
        if mode and mode.is_exclusive and not migration.is_new_table(table, statement):
            message = f"LOCK TABLE takes {mode.words} on {table} and blocks {mode.blocks} until the whole file is done"
            yield Hit(statement.at(relation.get("location")), message)


@detects("table-rewrite", "AlterTableStmt")
def find_storage(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a change of storage that rewrites the table."""
    for command in commands_on_old(statement, migration, *_REWRITES):
        lock = describe("set-storage-rewrite", command.table)
        yield Hit(command.find("set"), f"{_REWRITES[command.kind]} {lock}")


@detects("table-rewrite", "ClusterStmt")
def find_cluster(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report CLUSTER."""
    relation = statement.node.get("relation")
    if not relation or not migration.is_new_table(relation_name(relation), statement):
        table = migration.resolve(relation_name(relation), statement) if relation else "every clustered table"
        yield Hit(statement.find("cluster"), f"CLUSTER {describe('cluster', table)}")


@detects("table-rewrite", "VacuumStmt")
def find_vacuum_full(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report VACUUM FULL."""
    if option := options(statement.node.get("options", ())).get("full"):
        if constant(option.get("arg")) in {False, "false", "off"}:
            return
        names = [relation_name(each["VacuumRelation"].get("relation", {})) for each in statement.node.get("rels", ())]
        table = ", ".join(str(migration.resolve(name, statement)) for name in names) or "every table"
        yield Hit(statement.find("full"), f"VACUUM FULL {describe('vacuum-full', table)}")


@detects("autovacuum-off", "AlterTableStmt")
def find_autovacuum(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a table that nothing cleans up any more."""
    for command in commands_on_old(statement, migration, "AT_SetRelOptions"):
        items = command.node.get("def", {}).get("List", {}).get("items", ())
        found = options(items).get("autovacuum_enabled")
        if found and str(constant(found.get("arg"))).lower() in {"false", "off", "0", "no"}:
            message = f"{command.table} keeps every dead row from now on: it grows, and its queries get slower"
            yield Hit(statement.at(found.get("location")), message)


# --- timeouts --------------------------------------------------------------------------------------------------------


def _exclusive(statement: Statement, migration: Migration) -> list[TakenLock]:
    """Return the locks that a statement takes on old tables and that block somebody."""
    return [
        each
        for each in locks_of(statement)
        if each.lock.mode.is_exclusive
        and not each.lock.alone
        and not migration.is_new_table(each.on, statement)
        and not migration.is_new("index", each.on, statement)
    ]


@detects_in_file("no-lock-timeout")
def find_no_timeout(migration: Migration) -> Iterator[Hit]:
    """Report the first statement that waits for a blocking lock before the file sets lock_timeout."""
    for statement in migration.statements:
        if _setting(statement) == "lock_timeout":
            return
        if taken := _exclusive(statement, migration):
            table = migration.resolve(taken[0].on, statement)
            message = f"this waits for {taken[0].lock.mode.words} on {table} without a limit, and others wait behind it"
            yield Hit(statement.start, message)
            return


@detects("long-lock-timeout", "VariableSetStmt")
def find_long_timeout(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a lock_timeout that is off or longer than a minute, before a lock that blocks others."""
    if _setting(statement) != "lock_timeout" or statement.node.get("kind") != "VAR_SET_VALUE":
        return
    if not any(_later_locks(statement, migration)):
        return
    value = statement.node.get("args", [{}])[0]
    limit = _milliseconds(constant(value))
    if limit is not None and (limit == 0 or limit > _LONGEST):
        said = (
            "0 waits without a limit" if limit == 0 else f"{limit // 1000} s is long enough for every request to fail"
        )
        yield Hit(statement.at(value.get("A_Const", {}).get("location")), f"lock_timeout {said}")


@detects_in_file("no-statement-timeout")
def find_no_statement_timeout(migration: Migration) -> Iterator[Hit]:
    """Report a blocking lock in a file that switches statement_timeout off before."""
    for statement in migration.statements:
        if _setting(statement) == "statement_timeout":
            value = statement.node.get("args", [{}])[0] if statement.node.get("args") else {}
            is_off = statement.node.get("kind") == "VAR_SET_VALUE" and _milliseconds(constant(value)) == 0
            taken = next(iter(_later_locks(statement, migration)), None) if is_off else None
            if taken:
                message = f"statement_timeout is off while this file takes {taken.lock.mode.words} on {taken.on}"
                yield Hit(statement.find("statement_timeout"), message)
                return


def _later_locks(setting: Statement, migration: Migration) -> Iterator[TakenLock]:
    for statement in migration.statements[migration.order_of(setting) + 1 :]:
        yield from _exclusive(statement, migration)


@detects_in_file("many-tables-locked")
def find_many(migration: Migration) -> Iterator[Hit]:
    """Report the statement that locks one more table while two others are locked."""
    tables: list[str] = []
    for statement in migration.statements:
        for each in _exclusive(statement, migration):
            table = str(migration.resolve(each.on, statement))
            if each.lock.mode is not Mode.ACCESS_EXCLUSIVE or each.kind == "drop-index" or table in tables:
                continue
            tables.append(table)
            if len(tables) == _MANY:
                message = f"from here on, {', '.join(tables)} are all locked until the file ends, and may deadlock"
                yield Hit(statement.start, message)
                return


def _setting(statement: Statement) -> str:
    return str(statement.node.get("name", "")) if statement.kind == "VariableSetStmt" else ""


_UNITS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "us": 0.001}


def _milliseconds(value: object) -> int | None:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*", str(value))
    return int(float(found[1]) * _UNITS[found[2] or ""]) if found else None
