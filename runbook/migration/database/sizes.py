"""Let the size of a table decide how much a lock matters: a rewrite of ten rows is no danger. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from runbook.migration.context import Migration
from runbook.migration.database.facts import Facts, Relation
from runbook.migration.finding import Finding
from runbook.migration.known import not_null_column
from runbook.migration.lock_kinds import locks_of
from runbook.migration.locks import LOCKS, Duration
from runbook.migration.rules import Setup
from runbook.migration.statements import Statement, parse_text
from runbook.migration.syntax_tree import Name, relation_name
from runbook.model.migration_settings import TableSize

__all__ = ["weigh"]


def weigh(findings: Iterable[Finding], migration: Migration, setup: Setup, facts: Facts) -> list[Finding]:
    """Return the findings of one migration with the levels that the sizes of its tables give them.

    Only rules that the book marks `by_size` are weighed.
    """
    return [_weighed(each, migration, setup, facts) for each in findings]


def _weighed(finding: Finding, migration: Migration, setup: Setup, facts: Facts) -> Finding:
    by_size = setup.rules[finding.rule].by_size
    statements = [each for each in migration.statements if each.index == finding.statement]
    names = _tables(statements, migration) if by_size else []
    tables = [facts.relations[name] for name in names if name in facts.relations]
    if not tables or len(tables) < len(names):
        return finding
    if by_size == "both" and not migration.unseen:
        finding = _lowered(finding, tables, setup.settings.small_table, _proof(statements, migration, facts))
    if finding.level == "warning" and any(_is_above(each, setup.settings.large_table) for each in tables):
        largest = max(tables, key=lambda each: (each.bytes or 0, each.rows or 0))
        return replace(finding, level="error", message=f"{finding.message}; {_sized(largest)}{_time(largest)}")
    return finding


def _lowered(finding: Finding, tables: list[Relation], small: TableSize, proof: str) -> Finding:
    """Return the finding as a notice if no row is read or all tables are small, or with what isn't known."""
    if proof:
        return replace(finding, level="notice", message=f"{finding.message}; {proof}, so no row is read")
    unknown = next((each for each in tables if each.rows is None or each.bytes is None), None)
    if unknown is not None:
        return replace(finding, message=f"{finding.message}; {_unknown(unknown)}")
    largest = max(tables, key=lambda each: (each.bytes or 0, each.rows or 0))
    if all(_is_below(each, small) for each in tables):
        return replace(finding, level="notice", message=f"{finding.message}; {_sized(largest)}, so it's over at once")
    return replace(finding, message=f"{finding.message}; {_sized(largest)}{_time(largest)}")


def _tables(statements: Iterable[Statement], migration: Migration) -> list[Name]:
    """Return the tables whose rows the statements read or write under a lock, each once."""
    taken = [(each.kind, migration.resolve(each.on, one)) for one in statements for each in locks_of(one)]
    long = [name for kind, name in taken if LOCKS[kind].duration is not Duration.CATALOGUE]
    return list(dict.fromkeys(long or [name for _, name in taken]))


def _is_below(table: Relation, limit: TableSize) -> bool:
    return (table.rows or 0) < limit.rows and (table.bytes or 0) < limit.bytes


def _is_above(table: Relation, limit: TableSize) -> bool:
    return (table.rows or 0) >= limit.rows or (table.bytes or 0) >= limit.bytes


def _sized(table: Relation) -> str:
    rows = "an unknown number of rows" if table.rows is None else f"about {table.rows:,} rows"
    rows = rows.replace("about 1 rows", "about one row")
    return f"{table.name} has {rows}" + ("" if table.bytes is None else f" and {_bytes(table.bytes)}")


def _unknown(table: Relation) -> str:
    if table.bytes is None:
        return f"the size of {table.name} isn't known: another session locks it now"
    return f"{table.name} has {_bytes(table.bytes)} and was never analyzed, so its rows aren't known"


def _bytes(number: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"


def _time(table: Relation) -> str:
    """Return the order of time: a rewrite or a build does 20 to 100 MB a second on usual disks."""
    if table.bytes is None:
        return ""
    slow = table.bytes / (20 << 20)
    if slow < 10:
        return ": expect seconds"
    if slow < 120:
        return ": expect up to a minute or two"
    return ": expect minutes" if slow < 3600 else ": expect an hour or more"


def _proof(statements: list[Statement], migration: Migration, facts: Facts) -> str:
    """Return which constraint makes SET NOT NULL quick, "" if there is none or the statements do more."""
    proven = []
    for statement in statements:
        commands = [each.get("AlterTableCmd", {}) for each in statement.node.get("cmds", ())]
        if statement.kind != "AlterTableStmt" or any(each.get("subtype") != "AT_SetNotNull" for each in commands):
            return ""
        table = facts.relations.get(migration.resolve(relation_name(statement.node["relation"]), statement))
        columns = {column for each in table.checks if (column := _not_null(each))} if table else set()
        if any(each.get("name") not in columns for each in commands):
            return ""
        proven += [str(each.get("name")) for each in commands]
    return f"a validated check says that {' and '.join(proven)} has no NULL" if proven else ""


def _not_null(expression: str) -> str:
    """Return the column that a check keeps from being NULL, "" if it does something else."""
    parsed = parse_text(f"select {expression}")
    if not isinstance(parsed, list) or not parsed:
        return ""
    targets = parsed[0]["stmt"].get("SelectStmt", {}).get("targetList", [{}])
    return not_null_column(targets[0].get("ResTarget", {}).get("val"))
