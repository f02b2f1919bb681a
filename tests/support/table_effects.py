"""What a migration file does to the tables that are there: their locks, and what happens to their rows."""

from __future__ import annotations

from typing import NamedTuple

from runbook.migration.locks import Mode
from support.patterns import Connection
from support.throwaway import split_statements

__all__ = ["Effect", "effects"]


class Effect(NamedTuple):
    """What a file does to a table that was there before: the strongest lock, and what it does with the rows."""

    mode: str
    work: str = ""
    """`read`, `rewritten`, or neither."""


def effects(database: Connection, sql: str) -> dict[str, Effect]:
    """Return what a file does to the tables of the app, from SHARE UPDATE EXCLUSIVE up. It's rolled back."""
    before = _tables(database)
    with database.transaction(force_rollback=True):
        for statement in split_statements(sql):
            database.execute(statement)
        locks = database.execute(
            "select relation::int, mode from pg_locks where pid = pg_backend_pid() and mode = any(%s)", (_MODES[:-1],)
        ).fetchall()
        after = _tables(database)
    found = {}
    for oid, was in before.items():
        modes = sorted((str(mode) for relation, mode in locks if relation == oid), key=_MODES.index)
        if modes:
            now = after.get(oid, was)
            work = "rewritten" if now.file != was.file else "read" if now.scans > was.scans else ""
            found[was.name] = Effect(Mode(modes[0]).words, work)
    return found


class _Table(NamedTuple):
    name: str
    file: int
    scans: int


_MODES = list(map(str, Mode))


def _tables(database: Connection) -> dict[int, _Table]:
    rows = database.execute(
        "select relid::int, relname, pg_relation_filenode(relid)::int, coalesce(seq_scan, 0)::int"
        " from pg_stat_xact_user_tables where schemaname = 'public'"
    )
    return {oid: _Table(*values) for oid, *values in rows}
