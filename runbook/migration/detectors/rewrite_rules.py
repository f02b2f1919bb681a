"""CREATE RULE, which changes what a write does."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement

__all__: list[str] = []

_EVENTS = {"CMD_INSERT": "INSERT", "CMD_UPDATE": "UPDATE", "CMD_DELETE": "DELETE"}


@detects("write-replaced", "RuleStmt")
def find_instead(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a rule by which a write to a table does nothing or something else. On a view, that's how it is written."""
    node = statement.node
    table, event = migration.table_of(statement), _EVENTS.get(node.get("event", ""))
    is_view = migration.is_new("view", table, statement) or table in migration.known.relations.views
    if event and node.get("instead") and not is_view and not migration.is_new_table(table, statement):
        does = "something else" if node.get("actions") else "nothing"
        message = f"{event} on {table} does {does} from now on, and reports success to the app"
        yield Hit(statement.find("instead"), message)
