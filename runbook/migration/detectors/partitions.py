"""Partitions and children: attached with a scan, detached under a lock."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import commands_on_old
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.locks import describe
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import relation_name

__all__: list[str] = []


@detects("attach-partition-scan", "AlterTableStmt")
def find_attach(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a partition that is attached without a check that matches its bounds."""
    for command in commands_on_old(statement, migration, "AT_AttachPartition"):
        partition = migration.resolve(relation_name(command.definition["name"]), statement)
        if not migration.is_new_table(partition, statement) and partition not in migration.known.range_checks:
            message = f"ATTACH PARTITION locks {partition} against reads and writes while every row is read"
            yield Hit(command.find("attach"), message)


@detects("detach-not-concurrent", "AlterTableStmt")
def find_detach(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a partition that is detached while nobody can use the whole table."""
    for command in commands_on_old(statement, migration, "AT_DetachPartition"):
        if not command.definition.get("concurrent"):
            yield Hit(command.find("detach"), f"DETACH PARTITION {describe('detach-partition', command.table)}")


@detects("inheritance", "AlterTableStmt")
def find_inheritance(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a table that becomes or stops being the child of another, whose queries then return other rows."""
    for command in commands_on_old(statement, migration, "AT_AddInherit", "AT_DropInherit"):
        parent = migration.resolve(relation_name(command.node.get("def", {}).get("RangeVar", {})), statement)
        if command.kind == "AT_AddInherit":
            message = f"queries of {parent} also return the rows of {command.table} from now on, past its own policies"
        else:
            message = f"queries of {parent} no longer return the rows of {command.table}"
        yield Hit(command.find("inherit"), message)
