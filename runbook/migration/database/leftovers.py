"""Rules: what earlier work left unfinished in a database, and what kind of server it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runbook.migration.context import Migration
from runbook.migration.database.changes import changes_of
from runbook.migration.database.facts import Facts, InvalidIndex
from runbook.migration.database.note import Note
from runbook.migration.syntax_tree import Name

__all__ = ["leftovers"]


def leftovers(facts: Facts, migrations: Iterable[Migration], postgres: int, path: str) -> Iterator[Note]:
    """Yield what is unfinished, unless a pending migration mentions it. `postgres` is the major in the settings."""
    mentioned = set(_mentioned(migrations))
    for index in facts.invalid_indexes:
        if (index.name, "") not in mentioned:
            yield _index(index)._replace(path=path)
    for table, name in facts.unvalidated:
        if (table, name) not in mentioned:
            message = f"the constraint {name} on {table} is NOT VALID: older rows may break it"
            yield Note("unvalidated-constraint", message, path=path)
    if facts.major != postgres:
        message = f"the server runs PostgreSQL {facts.major}, and the settings of the check say {postgres}"
        yield Note("server-version", message, path=path)


def _mentioned(migrations: Iterable[Migration]) -> Iterator[tuple[Name, str]]:
    for migration in migrations:
        for statement in migration.statements:
            for change in changes_of(statement, migration):
                yield change.name, change.part


def _index(index: InvalidIndex) -> Note:
    what = f"the index {index.name} on {index.table}"
    if index.pid is not None:
        done = f", {index.percent} % of this phase" if index.percent is not None else ""
        return Note("index-build", f"{what} is being built by session {index.pid}: {index.phase}{done}")
    if index.partitioned:
        return Note("invalid-index", f"{what} isn't valid: some partitions have no index attached to it")
    rest = index.name.name.rstrip("0123456789").endswith(("_ccnew", "_ccold"))
    left = "; REINDEX CONCURRENTLY left it behind" if rest else ""
    return Note("invalid-index", f"{what} isn't valid: it costs every write, and no query uses it{left}")
