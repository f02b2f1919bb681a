"""The SQL patterns of the book, applied to a scratch database the way a push applies files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from runbook.drill.database import connect, execute, split_statements
from runbook.drill.postgres import Postgres
from runbook.drill.sandbox import BASE_MIGRATION, PLATFORM_SQL, ROWS_SQL, project_sql
from runbook.model.book import files_of

__all__ = [
    "Connection",
    "apply",
    "as_anon",
    "complaints",
    "locks",
    "one",
    "scans",
    "scratch",
    "storage",
]

Connection = psycopg.Connection[tuple[Any, ...]]

_OWN_TRANSACTIONS = re.compile(r"concurrently|^\s*commit;|^begin;", re.MULTILINE | re.IGNORECASE)


@contextmanager
def scratch(server: Postgres, name: str) -> Iterator[Connection]:
    """Make a database with the drills' schema and rows, and connect to it as the project's own role."""
    execute(server.maintenance_url, f'create database "{name}" owner postgres')
    admin, own = (_on(url, server.database, name) for url in (server.admin_url, server.url))
    execute(admin, project_sql(PLATFORM_SQL))
    execute(admin, "grant anon, authenticated to postgres")
    execute(own, project_sql(BASE_MIGRATION), project_sql(ROWS_SQL))
    with connect(own) as connection:
        yield connection
    execute(server.maintenance_url, f'drop database "{name}" with (force)')


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


def complaints(directory: Path, sql: str) -> set[str]:
    """Return the names of the rules that squawk sees broken in any of a pattern's files."""
    found: set[str] = set()
    for number, text in enumerate(files_of(sql)):
        file = directory / f"2026010100000{number}_pattern.sql"
        file.write_text(text + "\n", encoding="utf-8")
        squawk = Path(sys.executable).with_name("squawk")
        words = [str(squawk), "--pg-version", "17", "--assume-in-transaction", "--reporter", "json", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
        found |= {str(one["rule_name"]) for one in json.loads(done.stdout)}
    return found


def one(database: Connection, sql: str) -> object:
    """Return the first column of the first row."""
    row = database.execute(sql).fetchone()
    assert row is not None
    return row[0]


def storage(database: Connection, table: str) -> object:
    """Return the file in which a table's rows are; a rewrite gives it another one."""
    return one(database, f"select pg_relation_filenode('{table}')")


def scans(database: Connection, table: str, sql: str) -> int:
    """Return how often a statement reads the whole table, by the statistics of its own session."""
    count = f"select coalesce(sum(seq_scan), 0)::int from pg_stat_xact_user_tables where relid = '{table}'::regclass"
    with database.transaction(force_rollback=True):
        before = one(database, count)
        database.execute(sql)
        after = one(database, count)
    assert isinstance(before, int)
    assert isinstance(after, int)
    return after - before


def locks(database: Connection, table: str, sql: str) -> set[object]:
    """Return the locks on a table that a statement holds until its transaction ends."""
    with database.transaction(force_rollback=True):
        database.execute(sql)
        rows = database.execute(
            "select mode from pg_locks where pid = pg_backend_pid() and relation = %s::regclass", (table,)
        )
        return {row[0] for row in rows}


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
