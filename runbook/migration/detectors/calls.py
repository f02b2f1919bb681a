"""Functions that a migration calls and that reach beyond it: other sessions, other servers, and jobs that run later."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.bodies import DynamicText, body_of_text, statements_in
from runbook.migration.context import Migration
from runbook.migration.detectors.registry import STATEMENT_DETECTORS, detects
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Node, constant

__all__: list[str] = []

_STOPS = {"pg_terminate_backend": "closes the connection", "pg_cancel_backend": "cancels the query"}
_SLEEPS = frozenset({"pg_sleep", "pg_sleep_for", "pg_sleep_until"})
_OUTSIDE_SCHEMAS = frozenset({"net", "http"})
_OUTSIDE = frozenset(
    {"http", "http_get", "http_post", "http_put", "http_patch", "http_delete", "http_head"}
    | {"dblink", "dblink_exec", "dblink_connect", "dblink_send_query"}
)
_DESTROYS = frozenset({"delete-all-rows", "update-all-rows", "truncate", "merge-deletes", "drop-table", "drop-schema"})
_SCHEDULES = {"schedule": -1, "schedule_in_database": 2}
"""Functions of pg_cron, with the place of the command among their arguments."""


@detects("stops-sessions", "SelectStmt")
def find_stop(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a migration that stops other sessions."""
    for name, node in statement.calls:
        if name.name in _STOPS:
            message = f"{name.name} {_STOPS[name.name]} of other sessions; what they were doing is lost"
            yield Hit(statement.at(node.get("location")), message)


@detects("sleep", "SelectStmt")
def find_sleep(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a pause, during which the file keeps its locks and its transaction open."""
    for name, node in statement.calls:
        seconds = constant(next(iter(node.get("args", ())), None))
        is_short = isinstance(seconds, int | float) and seconds < 1  # between the batches of a loop that commits
        if name.name in _SLEEPS and not is_short:
            message = f"{name.name} waits while the file keeps its locks and an open transaction"
            yield Hit(statement.at(node.get("location")), message)


@detects("outside-call", "SelectStmt")
def find_outside(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a call of another server, whose effect a failure doesn't undo."""
    for name, node in statement.calls:
        if name.name in _OUTSIDE or (name.schema in _OUTSIDE_SCHEMAS and name.name.startswith("http")):
            message = f"{name} reaches another server: what it does there can't be seen, and no rollback undoes it"
            yield Hit(statement.at(node.get("location")), message)


@detects("job-destroys", "SelectStmt")
def find_job(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a job of pg_cron whose command removes or overwrites whole tables."""
    for name, node in statement.calls:
        command = _command(node, _SCHEDULES[name.name]) if name.schema == "cron" and name.name in _SCHEDULES else None
        if not command:
            continue
        body = body_of_text(statement, "sql", command)
        for each in statements_in(body, migration.source, index=statement.index, inside="the job"):
            if isinstance(each, DynamicText):
                continue
            migration.adopt(each, statement)
            detectors = [one for rule, one in STATEMENT_DETECTORS.get(each.kind, ()) if rule in _DESTROYS]
            for hit in (hit for detect in detectors for hit in detect(each, migration)):
                message = hit.message.partition("; it takes ")[0]  # the lock is the job's, not this file's
                yield Hit(hit.offset, f"each run of this job: {message}")


def _command(call: Node, place: int) -> str:
    """Return the SQL that a call schedules, "" if it's put together at run time."""
    args = call.get("args", [])
    named = (each["NamedArgExpr"] for each in args if "NamedArgExpr" in each)
    value = next((each.get("arg") for each in named if each.get("name") == "command"), None)
    if value is None and args and place < len(args):
        value = args[place]
    found = constant(value)
    return found if isinstance(found, str) else ""
