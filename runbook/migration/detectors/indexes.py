"""Indexes: built, rebuilt or dropped while writes wait; an invalid one accepted as done."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import options
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.locks import describe
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name

__all__: list[str] = []


@detects("index-not-concurrent", "IndexStmt")
def find_create(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an index that is built while writes wait."""
    table = migration.table_of(statement)
    if not statement.node.get("concurrent") and not migration.is_new_table(table, statement):
        name = statement.node.get("idxname", "")
        if statement.node.get("if_not_exists") and migration.is_there_already(Name(table.schema, name)):
            return
        lock = describe("create-index", table)
        yield Hit(statement.find("index"), f"CREATE INDEX{f' {name}' if name else ''} {lock}")


@detects("index-if-not-exists", "IndexStmt")
def find_if_not_exists(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report IF NOT EXISTS on a concurrent build: it accepts the invalid index of a failed one."""
    if statement.node.get("concurrent") and statement.node.get("if_not_exists"):
        name = statement.node.get("idxname", "")
        yield Hit(statement.find("if", "not", "exists"), f"if a build of {name} failed, this accepts its invalid index")


@detects("drop-index-not-concurrent", "DropStmt")
def find_drop(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an index that is dropped while nobody can use its table."""
    if statement.node.get("removeType") != "OBJECT_INDEX" or statement.node.get("concurrent"):
        return
    for key in migration.dropped_by(statement):
        if migration.drops_constraint(key.name):
            continue  # it went with its constraint
        table = migration.known.relations.indexes.get(key.name)
        if not migration.is_new("index", key.name, statement) and not (table and migration.drops_column(table)):
            lock = describe("drop-index", f"the table of {key.name}")
            yield Hit(
                statement.find(key.name.name), f"DROP INDEX {lock}, and every query that needs it is slow after that"
            )


@detects("reindex-not-concurrent", "ReindexStmt")
def find_reindex(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an index that is rebuilt while writes wait."""
    if "concurrently" in options(statement.node.get("params", ())):
        return
    name = migration.table_of(statement)
    if migration.is_new_table(name, statement):
        return
    tables = {
        "REINDEX_OBJECT_TABLE": str(name),
        "REINDEX_OBJECT_INDEX": f"the table of {name}",
        "REINDEX_OBJECT_SCHEMA": f"every table of {statement.node.get('name')}",
    }
    lock = describe("reindex", tables.get(statement.node.get("kind", ""), "every table"))
    yield Hit(statement.find("reindex"), f"REINDEX {lock}")


@detects("refresh-not-concurrent", "RefreshMatViewStmt")
def find_refresh(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a materialized view that is refreshed while nobody can read it."""
    view = migration.table_of(statement)
    if not statement.node.get("concurrent") and not migration.is_new_table(view, statement):
        yield Hit(statement.find("refresh"), f"REFRESH {describe('refresh', view)}")
