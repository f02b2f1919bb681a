"""The SQL patterns of the book, applied to a scratch database the way a push applies files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from runbook.model.book import files_of
from support.throwaway import (
    BASE_MIGRATION,
    PLATFORM_SQL,
    ROWS_SQL,
    Postgres,
    connect,
    execute,
    project_sql,
    query,
    split_statements,
)

__all__ = ["Connection", "apply", "as_anon", "one", "scratch"]

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
