"""The SQL patterns of the book, applied to a scratch database the way a push applies files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from runbook.drill.database import connect, execute, query, split_statements
from runbook.drill.postgres import Postgres
from runbook.drill.sandbox import BASE_MIGRATION, PLATFORM_SQL, ROWS_SQL, project_sql
from runbook.migration.locks import Mode
from runbook.model.book import files_of

__all__ = ["Connection", "Effect", "apply", "as_anon", "effects", "one", "scratch"]

Connection = psycopg.Connection[tuple[Any, ...]]

_OWN_TRANSACTIONS = re.compile(r"concurrently|^\s*commit;|^begin;", re.MULTILINE | re.IGNORECASE)


@contextmanager
def scratch(server: Postgres, name: str) -> Iterator[Connection]:
    """Make a database with the drills' schema and rows, and connect to it as the project's own role."""
    if not query(server.maintenance_url, f"select 1 from pg_database where datname = '{_TEMPLATE}'"):
        _make_template(server)
    copy = f'create database "{name}" owner postgres template {_TEMPLATE} strategy file_copy'
    execute(server.maintenance_url, copy)
    with connect(_on(server.url, server.database, name)) as connection:
        yield connection
    execute(server.maintenance_url, f'drop database "{name}" with (force)')


_TEMPLATE = "scratch_template"


def _make_template(server: Postgres) -> None:
    execute(server.maintenance_url, f"create database {_TEMPLATE} owner postgres")
    admin, own = (_on(url, server.database, _TEMPLATE) for url in (server.admin_url, server.url))
    execute(admin, project_sql(PLATFORM_SQL))
    execute(admin, "grant anon, authenticated to postgres")
    execute(own, project_sql(BASE_MIGRATION), project_sql(ROWS_SQL))


def apply(connection: Connection, sql: str) -> None:
    """Apply a pattern file by file: each in one transaction, except what has to be outside of one."""
    for text in files_of(sql):
        if _OWN_TRANSACTIONS.search(text):
            for statement in split_statements(text):
                connection.execute(statement)
        else:
            with connection.transaction():
                for statement in split_statements(text):
                    connection.execute(statement)
        connection.execute("reset all")


def one(database: Connection, sql: str) -> object:
    """Return the first column of the first row."""
    row = database.execute(sql).fetchone()
    assert row is not None
    return row[0]


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


def as_anon(database: Connection, sql: str) -> object:
    """Return what somebody with the public key gets: a value, or the name of the error."""
    try:
        with database.transaction(force_rollback=True):
            database.execute("set local role anon")
            return one(database, sql)
    except psycopg.Error as error:
        return type(error).__name__


def _on(url: str, old: str, new: str) -> str:
    return url.replace(f"/{old}?", f"/{new}?")
